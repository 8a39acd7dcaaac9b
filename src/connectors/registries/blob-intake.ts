import type { BlobProgress } from "./blob-progress.ts";
import type { SlabSocket, TakenBytes } from "./slab-socket.ts";

/** The source's end of a pipe: what arrives, and where in the blob it belongs. */
export interface BlobIntake {
  /** Tells of what has arrived since the last call. */
  noteArrivals(): void;
  /** What came before the connection broke and comes again: hashed bytes are dropped, sent ones only hashed. */
  passOver(): void;
  /** How many bytes of the blob wait. */
  waiting(): number;
  /** How many bytes of the blob have not been taken. */
  left(): number;
  /** Takes what waits, through the hash. */
  take(): TakenBytes;
}

/** `streamAt`: the position in the blob of the socket's next byte. */
export function blobIntake(
  socket: SlabSocket,
  streamAt: number,
  progress: BlobProgress,
  onRead: (count: number) => void,
): BlobIntake {
  let position = streamAt;
  let seen = 0;

  const waiting = (): number => Math.min(socket.waiting().length, progress.sizeBytes - position);
  const takeOff = (count: number): TakenBytes => {
    position += count;
    seen -= count;
    return socket.take(count);
  };
  const hashed = (taken: TakenBytes): TakenBytes => {
    progress.add(taken.bytes);
    return taken;
  };

  return {
    noteArrivals: () => {
      const arrived = socket.waiting().length - seen;
      seen += arrived;
      if (arrived > 0) onRead(arrived);
    },
    passOver: () => {
      const known = Math.min(progress.hashed() - position, waiting());
      if (known > 0) takeOff(known).giveBack();
      const there = Math.min(progress.sendFrom() - position, waiting());
      if (there > 0) hashed(takeOff(there)).giveBack();
    },
    waiting,
    left: () => progress.sizeBytes - position,
    take: () => hashed(takeOff(waiting())),
  };
}
