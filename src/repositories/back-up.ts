import { join } from "node:path";
import * as z from "zod";
import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { backUpDatabase, requireBackUp } from "../storage/back-up-database.ts";
import { DATABASE_FILE, FILES_FOLDER } from "../storage/data-directory.ts";
import { openFileStorage } from "../storage/file-storage.ts";
import { openCopy } from "../storage/open-copy.ts";
import { Backup, BackupName, backupNameAt } from "./backup.ts";
import { backUpBlobs } from "./back-up-blobs.ts";

const Input = z.object({ name: BackupName.optional() });

/**
 * Saves the database and every blob that it names, as of one moment, while everything goes on; not the key.
 * Needs a system admin. Throws BACKUP_EXISTS, BACKUP_RUNNING, BACKUP_NOT_HERE, BACKUP_INCOMPLETE, STORAGE_FULL,
 * FORBIDDEN, INPUT_INVALID.
 */
export async function backUp(ctx: Context, input: z.input<typeof Input>): Promise<Backup> {
  requireSystemAdmin(ctx);
  const madeAt = ctx.now();
  const { name = backupNameAt(madeAt) } = parseInput(Input, input);
  requireBackUp(ctx.db);
  const { backups } = ctx.files;
  const made: { backup?: Backup } = {};
  await backups.make(name, async (folder) => {
    const databaseBytes = await backUpDatabase(ctx.db, join(folder, DATABASE_FILE));
    const counts = await saveBlobs(ctx, folder);
    const backup: Backup = { name, folder: backups.pathOf(name), madeAt, databaseBytes, ...counts };
    made.backup = backup;
    return JSON.stringify(z.encode(Backup, backup));
  });
  const { backup } = made;
  if (!backup) throw new Error("a backup was made of which nothing is known");
  await inTransaction(ctx, (tx) =>
    recordEvent(tx, { kind: "backup.made", projectId: null, subjectId: name, after: backup }),
  );
  return backup;
}

async function saveBlobs(ctx: Context, folder: string): ReturnType<typeof backUpBlobs> {
  const saved = await openCopy(folder);
  try {
    return await backUpBlobs(saved.db, ctx.files, await openFileStorage(join(folder, FILES_FOLDER)));
  } finally {
    await saved.close();
  }
}
