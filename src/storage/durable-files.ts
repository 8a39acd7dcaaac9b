import { type FileHandle, mkdir, open, rename, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { DomainError } from "../kernel/errors.ts";

/** Makes the names in a directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory (0700: what lies in it is not for other users), durably when it is new; its parent should be there. */
export async function makeDirectory(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (created) await syncDirectory(dirname(directory));
}

/** Gives a file, whose bytes are already on the disk, its final name; durable when it returns. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
}

/** Writes all the bytes at this position; the system may take them in parts. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** What the system says when there is no such file. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** The disk under a directory, of which some part is to stay free. */
export interface Room {
  freeBytes(): Promise<number>;
  /** Throws STORAGE_FULL unless so many bytes can be written and enough still stays free. */
  require(bytes: number): Promise<void>;
}

/** Watches the free space of the disk that holds this directory. */
export function watchRoom(directory: string, minFreeBytes: number): Room {
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  };
  return {
    freeBytes,
    async require(bytes) {
      const free = await freeBytes();
      if (free - bytes < minFreeBytes)
        throw new DomainError(
          "STORAGE_FULL",
          `The server's disk has ${free} bytes left and keeps ${minFreeBytes} free: make room on it, then try again`,
        );
    },
  };
}
