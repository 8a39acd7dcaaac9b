import { AsyncLocalStorage } from "node:async_hooks";

/** Calls a round again and again, one at a time. */
export interface Pacer {
  /** Begins a round now, or another one after the one under way. */
  wake(): void;
  /** Waits for the round under way, if there is one, and the one that was asked for meanwhile. */
  settled(): Promise<void>;
  /** No round begins any more; waits for the one under way. */
  stop(): Promise<void>;
}

/** `round` never rejects; it says in how many milliseconds the next one is due at the latest. */
export function startPacer(round: () => Promise<number>): Pacer {
  // A wake-up may come from inside somebody's transaction; what the rounds do is outside of it.
  const outside = AsyncLocalStorage.snapshot();
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> | null = null;
  let askedAgain = false;
  let stopped = false;

  async function run(): Promise<void> {
    let pauseMillis: number;
    do {
      askedAgain = false;
      pauseMillis = await round();
    } while (askedAgain && !stopped);
    underWay = null;
    if (!stopped) timer = setTimeout(wake, pauseMillis);
  }

  function wake(): void {
    if (stopped) return;
    clearTimeout(timer);
    if (underWay) askedAgain = true;
    else underWay = outside(run);
  }

  wake();
  return {
    wake,
    settled: async () => {
      await underWay;
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}
