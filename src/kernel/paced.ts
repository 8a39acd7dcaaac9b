/** Milliseconds between being asked and the effect, and between two effects at least. */
export interface Pace {
  readonly waitMillis: number;
  readonly gapMillis: number;
}

/** Has the effect come about soon after it is asked for: once for all that ask meanwhile, never twice within the gap. */
export function paced(effect: () => void, { waitMillis, gapMillis }: Pace): () => void {
  let isDue = false;
  let lastAt = Number.NEGATIVE_INFINITY;
  const run = (): void => {
    isDue = false;
    lastAt = performance.now();
    effect();
  };
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(run, Math.max(waitMillis, lastAt + gapMillis - performance.now()));
  };
}
