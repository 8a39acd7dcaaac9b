/** Runs `work` over all items, at most `limit` at a time; resolves when all ended, rejects with the first error. */
export async function forEachBounded<Item>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = Iterator.from(items);
  const drain = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  };
  const lanes = await Promise.allSettled(Array.from({ length: limit }, drain));
  for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
}
