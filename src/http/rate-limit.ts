/** How often something may be done in a while, for each key. */
export interface RateLimitRule {
  readonly most: number;
  readonly windowMillis: number;
}

/** More keys than this are an attack; then the oldest are forgotten. */
const MOST_KEYS = 10_000;

/** Counts by key in this process, in windows. The answer is in how many seconds to come again; 0: go on. */
export function createRateLimit({ most, windowMillis }: RateLimitRule): (key: string, now: Date) => number {
  const windows = new Map<string, { readonly startedAt: number; count: number }>();
  return (key, now) => {
    const at = now.getTime();
    const known = windows.get(key);
    const elapsed = known ? at - known.startedAt : windowMillis;
    if (!known || elapsed >= windowMillis || elapsed < 0) {
      windows.delete(key);
      windows.set(key, { startedAt: at, count: 1 });
      const [oldest] = windows.keys();
      if (windows.size > MOST_KEYS && oldest !== undefined) windows.delete(oldest);
      return 0;
    }
    known.count += 1;
    return known.count > most ? Math.ceil((windowMillis - elapsed) / 1000) : 0;
  };
}
