/**
 * Waits so long, in milliseconds. `listen` is given what ends the wait early, and returns what it takes to stop
 * listening. Rejects with the signal's reason.
 */
export async function pause(
  millis: number,
  signal?: AbortSignal,
  listen: (wake: () => void) => () => void = () => () => {},
): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      leave();
      signal?.removeEventListener("abort", abort);
    };
    const wake = (): void => {
      end();
      resolve();
    };
    const abort = (): void => {
      end();
      reject(signal?.reason);
    };
    const timer = setTimeout(wake, millis);
    const leave = listen(wake);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
