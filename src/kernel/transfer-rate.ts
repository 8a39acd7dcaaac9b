/** Over how long the rate is taken, and how much of that must have passed for it to say something; in milliseconds. */
const WINDOW_MILLIS = 5_000;
const LEAST_MILLIS = 2_000;
/** Notes come about once a second, so the window is seldom quite full. */
const SLACK_MILLIS = 1_500;

/** How fast bytes pass, over the last seconds. */
export interface TransferRate {
  /** So many bytes have passed altogether; to be noted about once a second while something moves. */
  readonly note: (totalBytes: number) => void;
  /** 0 when none passed for the whole window, null when it is too early to tell. */
  readonly bytesPerSecond: () => number | null;
}

/** `now` is a clock that only goes forward, in milliseconds. */
export function transferRate(now: () => number = () => performance.now()): TransferRate {
  let notes: { readonly at: number; readonly totalBytes: number }[] = [];
  return {
    note: (totalBytes) => {
      const at = now();
      notes = [...notes.filter((one) => at - one.at <= WINDOW_MILLIS), { at, totalBytes }];
    },
    bytesPerSecond: () => {
      const [first] = notes;
      const last = notes.at(-1);
      if (!first || !last || last.at - first.at < LEAST_MILLIS) return null;
      const millis = last.at - first.at;
      const rate = Math.round(((last.totalBytes - first.totalBytes) / millis) * 1000);
      // A pause that is shorter than the window is a slow transfer, not a stalled one.
      return rate <= 0 && millis < WINDOW_MILLIS - SLACK_MILLIS ? null : Math.max(rate, 0);
    },
  };
}
