import { createHash, randomBytes } from "node:crypto";
import { open, readdir, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { pause } from "../../pause.ts";

/** The sole right among processes to write in a folder. */
export interface Claim {
  /** Whoever had it before lost its life in the middle of it. */
  readonly inherited: boolean;
  release(): Promise<void>;
}

/*
 * A claim is a file whose name says who made it. One holds the folder who made a claim and then saw no other living one,
 * so of two at once at least one sees the other and steps back. A claim lives while its process does, as far as one
 * on the same machine can tell, and for a time after it was last touched.
 */
const CLAIM = /^claim-([0-9a-f]{12})-(\d+)-[0-9a-f]{16}$/;
const MACHINE = createHash("sha256").update(hostname()).digest("hex").slice(0, 12);
const TOUCH_MILLIS = 5_000;
const DEAD_AFTER_MILLIS = 30_000;
const LONGEST_PAUSE_MILLIS = 200;

/** The claims of this process: another with its number in the name is of one that had the number before. */
const own = new Set<string>();

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function isAlive(folder: string, name: string): Promise<boolean> {
  const [, machine, pid] = CLAIM.exec(name) ?? [];
  if (machine === MACHINE) {
    if (Number(pid) === process.pid) return own.has(name);
    if (!isRunning(Number(pid))) return false;
  }
  const touched = await stat(join(folder, name)).catch(() => null);
  return touched !== null && Date.now() - touched.mtimeMs < DEAD_AFTER_MILLIS;
}

/** The claims of others, parted into those of the living and of the dead. */
async function othersIn(folder: string, mine: string): Promise<{ living: boolean; dead: readonly string[] }> {
  const names = (await readdir(folder)).filter((name) => CLAIM.test(name) && name !== mine);
  const alive = await Promise.all(names.map((name) => isAlive(folder, name)));
  return { living: alive.includes(true), dead: names.filter((_, at) => !alive[at]) };
}

/** Makes a claim; null when somebody else has one. */
async function tryClaim(folder: string): Promise<Claim | null> {
  const name = `claim-${MACHINE}-${process.pid}-${randomBytes(8).toString("hex")}`;
  const path = join(folder, name);
  if ((await othersIn(folder, name)).living) return null;
  own.add(name);
  let touching: NodeJS.Timeout | undefined;
  const release = async (): Promise<void> => {
    clearInterval(touching);
    own.delete(name);
    await rm(path, { force: true });
  };
  try {
    await (await open(path, "wx", 0o600)).close();
    const { living, dead } = await othersIn(folder, name);
    if (living) {
      await release();
      return null;
    }
    await Promise.all(dead.map((other) => rm(join(folder, other), { force: true })));
    const touch = (): void => void utimes(path, new Date(), new Date()).catch(() => {});
    touching = setInterval(touch, TOUCH_MILLIS).unref();
    return { inherited: dead.length > 0, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Waits until the folder is this caller's alone. Rejects with the signal's reason. */
export async function claimFolder(folder: string, signal: AbortSignal): Promise<Claim> {
  for (;;) {
    signal.throwIfAborted();
    const claim = await tryClaim(folder);
    if (claim) return claim;
    await pause(20 + Math.random() * LONGEST_PAUSE_MILLIS, signal);
  }
}
