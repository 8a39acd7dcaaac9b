import { note } from "./output.ts";

const PAGE = 200;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** The first items of a list, over as many pages as it takes; says so when there are more. */
export async function firstItems<Item>(
  limit: number,
  fetchPage: (page: { limit: number; after?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  let after: string | null = null;
  for (;;) {
    const size = Math.min(limit - items.length, PAGE);
    const page: Page<Item> = await fetchPage({ limit: size, ...(after !== null && { after }) });
    items.push(...page.items);
    after = page.next;
    if (after === null) return items;
    if (items.length < limit) continue;
    note(`There are more than these ${limit}: use --limit.`);
    return items;
  }
}
