import { open, rm } from "node:fs/promises";
import { DomainError } from "../kernel/errors.ts";
import type { Database } from "./database.ts";
import { servicesOf } from "./engine-services.ts";

/**
 * Writes a copy of the embedded database, as of now, to a new file (0600) while everything goes on; it is on
 * the disk when this returns. Throws BACKUP_NOT_HERE on PostgreSQL, which has tools of its own.
 *
 * Never copy the database's own files instead: closing one of them in this process drops SQLite's locks on it.
 */
export async function backUpDatabase(db: Database, file: string): Promise<void> {
  const { backUp } = servicesOf(db);
  if (!backUp) throw new DomainError("BACKUP_NOT_HERE");
  const handle = await open(file, "wx", 0o600);
  try {
    await backUp(file);
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
