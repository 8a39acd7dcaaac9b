import type { Duplex } from "node:stream";

/**
 * Lets all that is written to the stream in one turn of the event loop go out together: to hand a statement to the system
 * costs more than all else about it.
 */
export function gatherWrites(stream: Duplex): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let isHeld = false;
  const letGo = (): void => {
    isHeld = false;
    stream.uncork();
  };
  stream.write = (...args: unknown[]): boolean => {
    if (!isHeld) {
      isHeld = true;
      stream.cork();
      process.nextTick(letGo);
    }
    return write(...args);
  };
}
