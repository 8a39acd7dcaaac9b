/** Runs a piece of work when those before it have ended. */
export type OneAtATime = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue of work, in the order in which it comes; what fails does not keep the next from running. */
export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
