import { mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DomainError } from "../kernel/errors.ts";
import { isMissing, renameDurably, syncDirectory, watchRoom } from "./durable-files.ts";

/** Backups as folders beside each other, each of them whole or not there. They belong to one process. */
export interface BackupFolders {
  /** Where the one of this name is, or would be. */
  pathOf(name: string): string;
  /**
   * Makes one. `fill` puts things into a folder that has another name until all of it is on the disk, and returns
   * what shall be known of it. Throws BACKUP_EXISTS, BACKUP_RUNNING, STORAGE_FULL, and what `fill` throws.
   */
  make(name: string, fill: (folder: string) => Promise<string>): Promise<void>;
  /** What is known of each, in no order. */
  list(): Promise<readonly { readonly name: string; readonly facts: string }[]>;
}

const UNFINISHED = ".unfinished-";
const FACTS_FILE = "backup.json";

/** The backups in this directory, which is made with the first of them. */
export function openBackupFolders(directory: string, minFreeBytes: number): BackupFolders {
  let running = false;
  const pathOf = (name: string): string => join(directory, name);

  async function fillAndName(name: string, fill: (folder: string) => Promise<string>): Promise<void> {
    await makePrivately(directory);
    await removeUnfinished(directory);
    if (await exists(pathOf(name)))
      throw new DomainError("BACKUP_EXISTS", `A backup named ${name} exists: give another name`);
    await watchRoom(directory, minFreeBytes).require(0);
    const unfinished = pathOf(UNFINISHED + name);
    await mkdir(unfinished, { mode: 0o700 });
    try {
      await writeDurably(join(unfinished, FACTS_FILE), await fill(unfinished));
      await syncDirectory(unfinished);
      await renameDurably(unfinished, pathOf(name));
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      throw error;
    }
  }

  return {
    pathOf,
    async make(name, fill) {
      if (running) throw new DomainError("BACKUP_RUNNING");
      running = true;
      try {
        await fillAndName(name, fill);
      } finally {
        running = false;
      }
    },
    async list() {
      const names = (await namesIn(directory)).filter((name) => !name.startsWith("."));
      const found = await Promise.all(
        names.map(async (name) => ({ name, facts: await readOrNull(join(directory, name, FACTS_FILE)) })),
      );
      return found.flatMap(({ name, facts }) => (facts === null ? [] : [{ name, facts }]));
    },
  };
}

/** What a process left behind that died on the way. */
async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await namesIn(directory))
    if (name.startsWith(UNFINISHED)) await rm(join(directory, name), { recursive: true, force: true });
}

async function makePrivately(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (created) await syncDirectory(dirname(created));
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const namesIn = (directory: string): Promise<string[]> => unlessMissing(readdir(directory), []);
const exists = (path: string): Promise<boolean> =>
  unlessMissing(
    stat(path).then(() => true),
    false,
  );
/** Folders that are no backups hold no facts, files hold nothing at all. */
const readOrNull = (path: string): Promise<string | null> => unlessMissing(readFile(path, "utf8"), null);

async function unlessMissing<T>(found: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (isMissing(error) || isNoDirectory(error)) return otherwise;
    throw error;
  }
}

const isNoDirectory = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOTDIR";
