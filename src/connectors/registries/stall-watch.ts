/** The two ends of a pipe. */
export type Side = "source" | "target";

/** Finds out that a pipe stands still. */
export interface StallWatch {
  /** Bytes have come or gone. */
  moved(count: number): void;
  stop(): void;
}

/** Slower than this many bytes in the time limit is as good as standing still. */
const LEAST_BYTES_IN_TIME = 16 * 1024;

/** Calls `onStall` when the side that is waited for moves next to nothing for this long, up to twice as long. */
export function watchForStalls(
  millis: number,
  waitsFor: () => Side,
  onStall: (side: Side) => void,
): StallWatch {
  let moved = 0;
  let last: Side | null = null;
  let wasQuiet = false;
  const timer = setInterval(() => {
    const side = waitsFor();
    const isQuiet = moved < LEAST_BYTES_IN_TIME;
    // A whole interval of waiting for the same side counts, not the end of one; or two in turn, whoever is waited for.
    if (isQuiet && (side === last || wasQuiet)) return onStall(side);
    last = side;
    wasQuiet = isQuiet;
    moved = 0;
  }, millis);
  return {
    moved: (count) => {
      moved += count;
    },
    stop: () => clearInterval(timer),
  };
}
