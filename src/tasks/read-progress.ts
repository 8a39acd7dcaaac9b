import type { Database } from "../storage/database.ts";

/** What a task that is under way last reported; null when it reported nothing, has ended, or is not there. */
export async function readProgress(db: Database, taskId: string): Promise<unknown> {
  const row = await db
    .selectFrom("tasks")
    .select("progress_json")
    .where("id", "=", taskId)
    .where("ended_at", "is", null)
    .executeTakeFirst();
  return row?.progress_json == null ? null : (JSON.parse(row.progress_json) as unknown);
}
