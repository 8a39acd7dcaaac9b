import type { Selectable } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import type { Database } from "../storage/database.ts";
import { olderThan } from "../storage/older-than.ts";
import type { Tables } from "../storage/tables.ts";
import type { Project } from "./project.ts";

const toProject = (row: Selectable<Tables["projects"]>): Project => ({
  id: row.id,
  key: row.key,
  name: row.name,
  withReferrers: row.with_referrers === 1,
  createdAt: fromMillis(row.created_at),
});

/** False when there is a project of this key. */
export async function insertProject(db: Database, project: Project): Promise<boolean> {
  const result = await db
    .insertInto("projects")
    .values({
      id: project.id,
      key: project.key,
      name: project.name,
      with_referrers: project.withReferrers ? 1 : 0,
      created_at: project.createdAt.getTime(),
    })
    .onConflict((conflict) => conflict.column("key").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function findProject(db: Database, key: string): Promise<Project | null> {
  const row = await db.selectFrom("projects").selectAll().where("key", "=", key).executeTakeFirst();
  return row ? toProject(row) : null;
}

export async function findProjectById(db: Database, id: string): Promise<Project | null> {
  const row = await db.selectFrom("projects").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? toProject(row) : null;
}

/** Id and key of every project. */
export const listProjectKeys = (db: Database): Promise<Pick<Project, "id" | "key">[]> =>
  db.selectFrom("projects").select(["id", "key"]).execute();

/** Writes what may change of a project. */
export async function updateProject(db: Database, { id, name, withReferrers }: Project): Promise<void> {
  const change = { name, with_referrers: withReferrers ? 1 : 0 };
  await db.updateTable("projects").set(change).where("id", "=", id).execute();
}

/** Projects newest first; `ids` null means all of them. */
export async function listProjects(
  db: Database,
  ids: readonly string[] | null,
  page: CursorRequest,
): Promise<CursorPage<Project>> {
  const rows = await db
    .selectFrom("projects")
    .selectAll()
    .$if(ids !== null, (query) => query.where("id", "in", [...(ids ?? []), ""]))
    .where(olderThan(page.after))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return cutPage(rows.map(toProject), page.limit, (project) => ({
    at: project.createdAt.getTime(),
    id: project.id,
  }));
}
