/** How many rows go into one statement: each has several parameters, and engines bound how many there may be. */
const ROWS_PER_STATEMENT = 200;

/** The items in blocks for one statement each, in their order; none for no items. */
export function* inBlocks<Item>(
  items: readonly Item[],
  rows: number = ROWS_PER_STATEMENT,
): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += rows) yield items.slice(start, start + rows);
}
