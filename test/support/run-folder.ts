import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryDisk } from "./memory-disk.ts";

const NAME = /^headgate-run-(\d+)-/;

/** Where all that a test run writes lies, and how to remove it: in memory where that has room. */
export async function makeRunFolder(): Promise<{
  readonly path: string;
  readonly remove: () => Promise<void>;
}> {
  const place = memoryDisk() ?? tmpdir();
  for (const name of await readdir(place)) if (isLeftOver(name)) await removeFolder(join(place, name));
  const path = await mkdtemp(join(place, `headgate-run-${process.pid}-`));
  // Programs with a user of their own get through it, to folders that let them in.
  await chmod(path, 0o711);
  return { path, remove: () => removeFolder(path) };
}

/** True of the folder of a run that was killed. */
function isLeftOver(name: string): boolean {
  const pid = Number(NAME.exec(name)?.[1] ?? process.pid);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/** What is still mounted or written to in it stays; the next run removes that. */
const removeFolder = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
