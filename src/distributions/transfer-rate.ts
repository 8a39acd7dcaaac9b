/** Over how long the rate is taken, and how much of that must have passed for it to say something; in milliseconds. */
const WINDOW_MILLIS = 5_000;
const LEAST_MILLIS = 2_000;
/** Samples come about once a second, so the window is seldom quite full. */
const SLACK_MILLIS = 1_500;

/** How fast bytes pass, over the last seconds. */
export interface TransferRate {
  add(bytes: number): void;
  /** Notes how far it is by now; to be called about once a second while something moves. */
  sample(): void;
  /** In bytes per second; 0 when none passed for the whole window, null when it is too early to tell. */
  bytesPerSecond(): number | null;
}

/** `now` is a clock that only goes forward, in milliseconds. */
export function transferRate(now: () => number = () => performance.now()): TransferRate {
  let total = 0;
  let samples: { readonly at: number; readonly total: number }[] = [];
  return {
    // What is sent once more has passed twice; what is given up has passed all the same.
    add: (bytes) => void (total += Math.max(bytes, 0)),
    sample: () => {
      const at = now();
      samples = [...samples.filter((sample) => at - sample.at <= WINDOW_MILLIS), { at, total }];
    },
    bytesPerSecond: () => {
      const [first] = samples;
      const last = samples.at(-1);
      if (!first || !last || last.at - first.at < LEAST_MILLIS) return null;
      const rate = Math.round(((last.total - first.total) / (last.at - first.at)) * 1000);
      // A pause shorter than the window is a slow transfer, not a stalled one.
      return rate === 0 && last.at - first.at < WINDOW_MILLIS - SLACK_MILLIS ? null : rate;
    },
  };
}
