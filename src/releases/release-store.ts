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

/** Whether a release of exactly this version contains something or was itself deployed: then it is no candidate's name. */
export async function isVersionTaken(db: Database, projectId: string, version: string): Promise<boolean> {
  const row = await db
    .selectFrom("releases as release")
    .select("release.id")
    .where("release.project_id", "=", projectId)
    .where("release.version", "=", version)
    .where((row) =>
      row.or([
        row.exists(
          row
            .selectFrom("release_contents as content")
            .select("content.id")
            .whereRef("content.release_id", "=", "release.id")
            .where("content.deleted_at", "is", null),
        ),
        row.exists(
          row
            .selectFrom("deployments as deployment")
            .select("deployment.number")
            .whereRef("deployment.release_id", "=", "release.id")
            .where("deployment.candidate_id", "is", null),
        ),
      ]),
    )
    .executeTakeFirst();
  return row !== undefined;
}
