import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The beginning of the name of each of a log's pieces; the rest is where in the log it begins, in bytes. */
export const LOG_PREFIX = "log-";

/** A log that is being written. */
export interface RunLog {
  /** Never throws: a full disk must not end a deployment. What could not be written is a gap. */
  write(text: string): void;
}

/**
 * A log that keeps its first half and its last quarter or more, and never takes more room than the limit: a head, then pieces
 * of a quarter, of which the last two stay. All is on the disk at once, so that it outlives this process.
 */
export function openRunLog(folder: string, limitBytes: number): RunLog {
  const quarter = Math.floor(limitBytes / 4);
  const tail: string[] = [];
  let offset = 0;
  let handle = open(folder, 0);
  let room = quarter * 2;

  const roll = (): void => {
    const next = open(folder, offset);
    closeSync(handle);
    handle = next;
    room = quarter;
    tail.push(pathOf(folder, offset));
    const [oldest, , ...later] = tail;
    if (oldest === undefined || later.length === 0) return;
    unlinkSync(oldest);
    tail.shift();
  };
  const append = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length;) {
      if (room === 0) roll();
      const written = writeSync(handle, bytes, done, Math.min(room, bytes.length - done));
      done += written;
      room -= written;
      offset += written;
    }
  };

  return {
    write(text) {
      const bytes = Buffer.from(text);
      const end = offset + bytes.length;
      try {
        append(bytes);
      } catch {
        // The next text begins a new piece, so that readers see how much is missing.
        offset = end;
        room = 0;
      }
    },
  };
}

const pathOf = (folder: string, offset: number): string => join(folder, `${LOG_PREFIX}${offset}`);
const open = (folder: string, offset: number): number => openSync(pathOf(folder, offset), "w", 0o600);
