/** One fetch: when it began, what came of it, and when the next may begin. */
interface Turn<T> {
  readonly number: number;
  readonly outcome: Promise<T>;
  readonly ended: Promise<void>;
}

/** Fetches of one mirror, one at a time, shared by all who asked before they began. */
export interface FetchTurns<T> {
  /** A mark for now: a fetch that begins later has seen all that was there. */
  now(): number;
  /** The outcome of a fetch that began after the mark; null after one that was under way already: look, and ask again. */
  after(mark: number): Promise<T> | Promise<null>;
  /** Waits until nothing is under way. */
  idle(): Promise<void>;
}

/**
 * Makes the turns of one mirror. `fetch` tells its outcome as soon as there is one, and returns when nothing of it
 * goes on any more.
 */
export function createFetchTurns<T>(fetch: (tell: (outcome: T) => void) => Promise<void>): FetchTurns<T> {
  let clock = 0;
  let latest: Turn<T> | null = null;
  let underWay = false;

  function begin(before: Promise<void>): Turn<T> {
    clock += 1;
    const { promise: outcome, resolve, reject } = Promise.withResolvers<T>();
    underWay = true;
    const told = (): void => void (underWay = false);
    outcome.then(told, told);
    const ended = before.then(() => fetch(resolve)).catch(reject);
    return { number: clock, outcome, ended };
  }

  return {
    now: () => clock,
    after: (mark) => {
      if (latest && latest.number > mark) return latest.outcome;
      if (latest && underWay)
        return latest.outcome.then(
          () => null,
          () => null,
        );
      latest = begin(latest?.ended ?? Promise.resolve());
      return latest.outcome;
    },
    idle: async () => {
      await latest?.ended;
    },
  };
}
