import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import type { Repository } from "./repository.ts";

const toRepository = (row: Tables["repositories"]): Repository => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  createdAt: fromMillis(row.created_at),
});

export async function findRepository(db: Database, name: string): Promise<Repository | null> {
  const row = await db.selectFrom("repositories").selectAll().where("name", "=", name).executeTakeFirst();
  return row ? toRepository(row) : null;
}

/** False when there is a repository of this name. */
export async function insertRepository(db: Database, repository: Repository): Promise<boolean> {
  const { id, projectId, name, createdAt } = repository;
  const result = await db
    .insertInto("repositories")
    .values({ id, project_id: projectId, name, created_at: createdAt.getTime() })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Names in order, behind `last`; `projectIds` null means of all projects. */
export async function listRepositoryNames(
  db: Database,
  projectIds: readonly string[] | null,
  page: { readonly last: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom("repositories")
    .select("name")
    .where("name", ">", page.last)
    .$if(projectIds !== null, (query) => query.where("project_id", "in", [...(projectIds ?? []), ""]))
    .orderBy("name")
    .limit(page.limit)
    .execute();
  return rows.map((row) => row.name);
}
