import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PLACE = "/dev/shm";
/** A whole run leaves up to 2 GiB lie at a time. */
const ROOM_BYTES = 8 * 1024 ** 3;

/**
 * A file system in memory with room for what a test run writes, on which programs run, or null. Nothing of it outlives the
 * run, so nothing need reach a disk; a test of what a disk does makes one of its own.
 */
export function memoryDisk(): string | null {
  try {
    const { bavail, bsize } = statfsSync(PLACE);
    return bavail * bsize >= ROOM_BYTES && runsPrograms() ? PLACE : null;
  } catch {
    return null;
  }
}

function runsPrograms(): boolean {
  const folder = mkdtempSync(join(PLACE, "headgate-probe-"));
  try {
    const program = join(folder, "program");
    writeFileSync(program, "#!/bin/sh\n", { mode: 0o700 });
    return spawnSync(program).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
