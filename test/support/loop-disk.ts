import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, stat, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { describe } from "vitest";
import { temporaryDirectory } from "./temporary-directory.ts";

const run = promisify(execFile);

/** An ext4 file system of a test's own, in a file that is mounted through a loop device. */
export interface LoopDisk {
  /** A directory on it, to be made by who writes first. */
  readonly path: string;
  /**
   * What a power cut at this moment would leave, on a disk of its own. Whoever writes must be stopped before. What
   * is only in the file system's cache is lost; what it has handed to the disk is there, as its journal recovers it.
   */
  readonly powerCut: () => Promise<LoopDisk>;
  readonly remove: () => Promise<void>;
}

// Metadata alone reaches the disk every 30 s, data not at all before that: longer than any test writes.
const MOUNT = ["-t", "ext4", "-o", "loop,commit=30"];
// All tables written at once: nothing but the test shall write to the disk.
const FORMAT = ["-q", "-F", "-m", "0", "-N", "16384", "-E", "lazy_itable_init=0,lazy_journal_init=0"];

/** Makes a disk of this size; its file takes no more room than what is written to it. */
export async function makeLoopDisk(sizeMib: number): Promise<LoopDisk> {
  const { path: folder } = await temporaryDirectory();
  const image = join(folder, "image");
  await writeFile(image, "");
  await truncate(image, sizeMib * 1024 * 1024);
  await run("mkfs.ext4", [...FORMAT, image]);
  return mountDisk(folder);
}

async function mountDisk(folder: string): Promise<LoopDisk> {
  const [image, mountPoint] = [join(folder, "image"), join(folder, "disk")];
  await mkdir(mountPoint);
  await run("mount", [...MOUNT, image, mountPoint]);
  return {
    path: join(mountPoint, "data"),
    powerCut: async () => {
      const copy = await temporaryDirectory();
      await copyAtOneMoment(image, join(copy.path, "image"));
      return mountDisk(copy.path);
    },
    remove: removeAfterUs(folder),
  };
}

/** Unmounts and removes a disk when it is called, or when the test run has ended without that, however it ended. */
function removeAfterUs(folder: string): () => Promise<void> {
  const unmount = 'umount "$0/disk" || umount --lazy "$0/disk"';
  const script = `cat >/dev/null; ${unmount}; rm -rf --one-file-system "$0"`;
  const keeper = spawn("/bin/sh", ["-c", script, folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  const gone = once(keeper, "exit");
  return async () => {
    keeper.stdin.end();
    await gone;
  };
}

/**
 * Copies a file that the kernel may still write to, as it was at one moment: again, until nothing was written
 * meanwhile. Its time of change is as fine as the kernel's tick, so it must be a little old when the copy begins.
 */
async function copyAtOneMoment(from: string, to: string): Promise<void> {
  const changedAt = async (): Promise<number> => (await stat(from)).mtimeMs;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    await pause(20);
    const before = await changedAt();
    if (Date.now() - before < 20) continue;
    await run("cp", ["--sparse=always", "--reflink=never", from, to]);
    if ((await changedAt()) === before) return;
  }
  throw new Error(`${from} changes all the time: is everything stopped that writes to it?`);
}

/** Why no loop device can be mounted here; null when one can. */
function whyNot(): string | null {
  if (process.getuid?.() !== 0) return "only root may mount";
  const script =
    'truncate -s 4M "$0/i" && mkfs.ext4 -q -F "$0/i" && mount -o loop "$0/i" "$0" && umount "$0"';
  const make = spawnSync("mktemp", ["-d", join(tmpdir(), "headgate-loop-XXXXXX")], { encoding: "utf8" });
  const folder = make.stdout.trim();
  const trial = spawnSync("sh", ["-c", script, folder], { encoding: "utf8" });
  spawnSync("rm", ["-rf", folder]);
  return trial.status === 0 ? null : `no loop device can be mounted: ${trial.stderr.trim()}`;
}

/** Declares tests that need a disk of their own: root and loop devices. In CI it is a failure when they are missing. */
export function describeWithLoopDisks(title: string, tests: () => void): void {
  const reason = whyNot();
  if (reason !== null && process.env["CI"]) throw new Error(`${title}: ${reason}`);
  describe.skipIf(reason !== null)(`${title}${reason === null ? "" : ` (${reason})`}`, () => {
    tests();
  });
}

/** Takes up the room of a disk until so little is left free (0: until it takes no more); returns how to give it back. */
export async function fillDisk(directory: string, leaveBytes: number): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(directory, "ballast-"));
  const free = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  };
  const large = (await free()) - leaveBytes - SMALL_BYTES;
  if (large > 0) await run("fallocate", ["--length", String(large), join(folder, "large")]);
  // ext4 keeps some for itself: what remains is taken bit by bit.
  for (let count = 0; (await free()) > leaveBytes; count += 1) {
    const bytes = Math.min((await free()) - leaveBytes, SMALL_BYTES / 64);
    const full = await run("fallocate", ["--length", String(bytes), join(folder, `${count}`)]).then(
      () => false,
      () => true,
    );
    if (full) break;
  }
  return () => rm(folder, { recursive: true, force: true });
}

const SMALL_BYTES = 4 * 1024 * 1024;
