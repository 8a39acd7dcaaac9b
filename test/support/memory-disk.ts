import { statfsSync } from "node:fs";

const PLACE = "/dev/shm";
/** A whole run leaves up to 2 GiB lie at a time. */
const ROOM_BYTES = 8 * 1024 ** 3;

/**
 * A file system in memory with room for what a test run writes, or null. Nothing of it outlives the run, so nothing
 * need reach a disk; a test of what a disk does makes one of its own.
 */
export function memoryDisk(): string | null {
  try {
    const { bavail, bsize } = statfsSync(PLACE);
    return bavail * bsize >= ROOM_BYTES ? PLACE : null;
  } catch {
    return null;
  }
}
