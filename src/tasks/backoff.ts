const FIRST_MILLIS = 1_000;
const LONGEST_MILLIS = 300_000;

/**
 * How long to wait after the nth failure (from 1), in milliseconds: exponential with full jitter, at most 5 minutes.
 * `random` is in [0, 1).
 */
export const backoffMillis = (failures: number, random: () => number = Math.random): number =>
  Math.floor(random() * Math.min(LONGEST_MILLIS, FIRST_MILLIS * 2 ** (failures - 1)));
