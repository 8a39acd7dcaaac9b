import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import type { Upload } from "./upload.ts";

const toUpload = (row: Tables["uploads"]): Upload => ({
  id: row.id,
  repositoryId: row.repository_id,
  startedAt: fromMillis(row.started_at),
  updatedAt: fromMillis(row.updated_at),
});

export async function insertUpload(db: Database, upload: Upload): Promise<void> {
  await db
    .insertInto("uploads")
    .values({
      id: upload.id,
      repository_id: upload.repositoryId,
      started_at: upload.startedAt.getTime(),
      updated_at: upload.updatedAt.getTime(),
    })
    .execute();
}

export async function findUpload(db: Database, id: string): Promise<Upload | null> {
  const row = await db.selectFrom("uploads").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? toUpload(row) : null;
}

export async function touchUpload(db: Database, id: string, now: Date): Promise<void> {
  await db.updateTable("uploads").set({ updated_at: now.getTime() }).where("id", "=", id).execute();
}

export async function deleteUpload(db: Database, id: string): Promise<void> {
  await db.deleteFrom("uploads").where("id", "=", id).execute();
}

/** Deletes an upload unless it was touched since this moment. */
export async function deleteRestingUpload(db: Database, id: string, before: Date): Promise<boolean> {
  const result = await db
    .deleteFrom("uploads")
    .where("id", "=", id)
    .where("updated_at", "<=", before.getTime())
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Uploads that rest since before this moment, the oldest first. */
export async function listRestingUploads(db: Database, before: Date, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("uploads")
    .select("id")
    .where("updated_at", "<=", before.getTime())
    .orderBy("updated_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.id);
}
