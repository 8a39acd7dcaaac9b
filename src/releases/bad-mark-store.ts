import type { Selectable } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import type { BadMark } from "./bad-mark.ts";

const toMark = (row: Selectable<Tables["bad_marks"]>): BadMark => ({
  id: row.id,
  projectId: row.project_id,
  version: row.version,
  reason: row.reason,
  createdBy: row.created_by,
  createdAt: fromMillis(row.created_at),
});

/** False when the version is marked already. */
export async function insertMark(tx: Database, mark: BadMark): Promise<boolean> {
  const result = await tx
    .insertInto("bad_marks")
    .values({
      id: mark.id,
      project_id: mark.projectId,
      version: mark.version,
      reason: mark.reason,
      created_by: mark.createdBy,
      created_at: mark.createdAt.getTime(),
      lifted_by: null,
      lifted_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** The mark on a version that was not lifted. */
export async function findMark(db: Database, projectId: string, version: string): Promise<BadMark | null> {
  const row = await db
    .selectFrom("bad_marks")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("version", "=", version)
    .where("lifted_at", "is", null)
    .executeTakeFirst();
  return row ? toMark(row) : null;
}

/** Which of these versions are marked. */
export async function markedAmong(
  db: Database,
  projectId: string,
  versions: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("bad_marks")
    .select("version")
    .where("project_id", "=", projectId)
    .where("version", "in", [...versions, ""])
    .where("lifted_at", "is", null)
    .execute();
  return new Set(rows.map((row) => row.version));
}

/** False when it was lifted already. */
export async function liftMark(
  tx: Database,
  id: string,
  lifted: { readonly by: string; readonly at: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable("bad_marks")
    .set({ lifted_by: lifted.by, lifted_at: lifted.at.getTime() })
    .where("id", "=", id)
    .where("lifted_at", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
