import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new empty directory, and how to remove it with all that is in it. */
export async function temporaryDirectory(): Promise<{
  readonly path: string;
  readonly remove: () => Promise<void>;
}> {
  const path = await mkdtemp(join(await realpath(tmpdir()), "headgate-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
