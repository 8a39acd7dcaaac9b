import { open, rm } from "node:fs/promises";
import { DomainError } from "../kernel/errors.ts";
import type { Database } from "./database.ts";
import { servicesOf } from "./engine-services.ts";

/** Throws BACKUP_NOT_HERE, with the command to run instead, where the engine has tools of its own. */
export function requireBackUp(db: Database): (file: string) => Promise<void> {
  const { backUp, backUpElsewhere } = servicesOf(db);
  if (backUp) return backUp;
  throw new DomainError(
    "BACKUP_NOT_HERE",
    `PostgreSQL is backed up with its own tools: ${backUpElsewhere ?? "pg_dump"}; ` +
      "after it, copy the folder registry/blobs of the data directory, if the registry inside is used",
  );
}

/**
 * Writes a copy of the embedded database, as of now, to a new file (0600) while everything goes on; it is on
 * the disk when this returns, which is its size in bytes. Throws BACKUP_NOT_HERE on PostgreSQL.
 *
 * Never copy the database's own files instead: closing one of them in this process drops SQLite's locks on it.
 */
export async function backUpDatabase(db: Database, file: string): Promise<number> {
  const backUp = requireBackUp(db);
  const handle = await open(file, "wx", 0o600);
  try {
    await backUp(file);
    await handle.sync();
    return (await handle.stat()).size;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
