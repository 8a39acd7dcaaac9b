import { constants, copyFile, link, open, rm, stat } from "node:fs/promises";
import { isMissing } from "./durable-files.ts";

/** How a file came to be at its second place, and its size in bytes. */
export interface SecondName {
  readonly copied: boolean;
  readonly sizeBytes: number;
}

/**
 * Gives a file that never changes a second name; where the file systems allow no link, copies it. The bytes are on
 * the disk when this returns, the name is once its directory is synced. Null when there is no such file.
 */
export async function linkOrCopy(from: string, to: string): Promise<SecondName | null> {
  try {
    const copied = !(await linked(from, to));
    if (copied) await copy(from, to);
    return { copied, sizeBytes: (await stat(to)).size };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Another disk, a file system without links, or too many of them on one file. */
const NO_LINK = new Set(["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && NO_LINK.has(String(error.code))) return false;
    throw error;
  }
}

async function copy(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const handle = await open(to, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}
