import { newId } from "../kernel/id.ts";
import type { Database } from "../storage/database.ts";

/** The id of the release of this project and version; makes the row when there is none. */
export async function ensureRelease(
  db: Database,
  projectId: string,
  version: string,
  now: Date,
): Promise<string> {
  await db
    .insertInto("releases")
    .values({ id: newId(now), project_id: projectId, version, stage: "draft", created_at: now.getTime() })
    .onConflict((conflict) => conflict.columns(["project_id", "version"]).doNothing())
    .execute();
  const row = await db
    .selectFrom("releases")
    .select("id")
    .where("project_id", "=", projectId)
    .where("version", "=", version)
    .executeTakeFirstOrThrow();
  return row.id;
}
