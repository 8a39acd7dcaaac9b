import type { Selectable } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import type { Hold } from "./hold.ts";

const toHold = (row: Selectable<Tables["holds"]>): Hold => ({
  id: row.id,
  projectId: row.project_id,
  environmentId: row.environment_id,
  version: row.version,
  reason: row.reason,
  createdBy: row.created_by,
  createdAt: fromMillis(row.created_at),
});

/** False when the version is held there already. */
export async function insertHold(tx: Database, hold: Hold): Promise<boolean> {
  const result = await tx
    .insertInto("holds")
    .values({
      id: hold.id,
      project_id: hold.projectId,
      environment_id: hold.environmentId,
      version: hold.version,
      reason: hold.reason,
      created_by: hold.createdBy,
      created_at: hold.createdAt.getTime(),
      lifted_by: null,
      lifted_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** What holds a version in an environment. */
export async function findHold(db: Database, environmentId: string, version: string): Promise<Hold | null> {
  const row = await db
    .selectFrom("holds")
    .selectAll()
    .where("environment_id", "=", environmentId)
    .where("version", "=", version)
    .where("lifted_at", "is", null)
    .executeTakeFirst();
  return row ? toHold(row) : null;
}

/** A project's holds that were not lifted, newest first; with an environment, those there. */
export async function listHolds(
  db: Database,
  projectId: string,
  environmentId: string | null = null,
): Promise<Hold[]> {
  const rows = await db
    .selectFrom("holds")
    .selectAll()
    .where("project_id", "=", projectId)
    .$if(environmentId !== null, (query) => query.where("environment_id", "=", environmentId ?? ""))
    .where("lifted_at", "is", null)
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .execute();
  return rows.map(toHold);
}

/** False when it was lifted already. */
export async function liftHold(
  tx: Database,
  id: string,
  lifted: { readonly by: string; readonly at: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable("holds")
    .set({ lifted_by: lifted.by, lifted_at: lifted.at.getTime() })
    .where("id", "=", id)
    .where("lifted_at", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** The versions that are held in an environment. */
export async function versionsHeld(db: Database, environmentId: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("holds")
    .select("version")
    .where("environment_id", "=", environmentId)
    .where("lifted_at", "is", null)
    .execute();
  return new Set(rows.map((row) => row.version));
}
