import type { Selectable } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import type { Database } from "../storage/database.ts";
import { forChange } from "../storage/for-change.ts";
import { olderThan } from "../storage/older-than.ts";
import type { Tables } from "../storage/tables.ts";
import type { Project } from "./project.ts";

const toProject = (row: Selectable<Tables["projects"]>): Project => ({
  id: row.id,
  key: row.key,
  name: row.name,
  withReferrers: row.with_referrers === 1,
  sourceConnectionId: row.source_connection_id,
  repository: row.repository,
  buildWorkflowId: row.build_workflow_id,
  createdAt: fromMillis(row.created_at),
});

/** False when there is a project of this key or name. */
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
    .onConflict((conflict) => conflict.doNothing())
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

/** The keys of these projects, by id. */
export async function keysOfProjects(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom("projects")
    .select(["id", "key"])
    .where("id", "in", [...new Set(ids)])
    .execute();
  return new Map(rows.map(({ id, key }) => [id, key]));
}

export async function findProjectByName(db: Database, name: string): Promise<Project | null> {
  const row = await db.selectFrom("projects").selectAll().where("name", "=", name).executeTakeFirst();
  return row ? toProject(row) : null;
}

/** Writes what may change of a project. The caller has made sure that the name is free. */
export async function updateProject(db: Database, project: Project): Promise<void> {
  const change = {
    name: project.name,
    with_referrers: project.withReferrers ? 1 : 0,
    source_connection_id: project.sourceConnectionId,
    repository: project.repository,
    build_workflow_id: project.buildWorkflowId,
  };
  await db.updateTable("projects").set(change).where("id", "=", project.id).execute();
}

/** What a page of projects by key takes. */
export interface ProjectsByKey {
  /** Null: all of them. */
  readonly ids: readonly string[] | null;
  /** Null: whatever they are called. */
  readonly keys: readonly string[] | null;
  /** The key of the last one of the page before; null: from the first on. */
  readonly after: string | null;
  readonly limit: number;
}

/** Projects by key, those behind `after` first. */
export async function listProjectsByKey(db: Database, asked: ProjectsByKey): Promise<Project[]> {
  const { ids, keys, after, limit } = asked;
  const rows = await db
    .selectFrom("projects")
    .selectAll()
    .$if(ids !== null, (query) => query.where("id", "in", [...(ids ?? []), ""]))
    .$if(keys !== null, (query) => query.where("key", "in", [...(keys ?? []), ""]))
    .$if(after !== null, (query) => query.where("key", ">", after ?? ""))
    .orderBy("key")
    .limit(limit)
    .execute();
  return rows.map(toProject);
}

/** Locks a project until the transaction ends, for what two doors must not do at once. */
export async function lockProject(tx: Database, id: string): Promise<void> {
  await forChange(tx, tx.selectFrom("projects").select("id").where("id", "=", id)).execute();
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
