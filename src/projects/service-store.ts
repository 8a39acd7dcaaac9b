import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import { olderThan } from "../storage/older-than.ts";
import type { Tables } from "../storage/tables.ts";
import type { Service } from "./service.ts";

const toService = (row: Tables["services"]): Service => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  createdAt: fromMillis(row.created_at),
});

/** Writes those whose names the project does not have yet; returns their ids. */
export async function insertServices(db: Database, services: readonly Service[]): Promise<Set<string>> {
  const inserted = new Set<string>();
  for (const block of inBlocks(services)) {
    const rows = await db
      .insertInto("services")
      .values(
        block.map((service) => ({
          id: service.id,
          project_id: service.projectId,
          name: service.name,
          created_at: service.createdAt.getTime(),
        })),
      )
      .onConflict((conflict) => conflict.columns(["project_id", "name"]).doNothing())
      .returning("id")
      .execute();
    for (const { id } of rows) inserted.add(id);
  }
  return inserted;
}

/** Which of these names the project has. */
export async function knownServiceNames(
  db: Database,
  projectId: string,
  names: readonly string[],
): Promise<Set<string>> {
  const rows = await db
    .selectFrom("services")
    .select("name")
    .where("project_id", "=", projectId)
    .where("name", "in", [...names, ""])
    .execute();
  return new Set(rows.map((row) => row.name));
}

/** A project's services, newest first. */
export async function listServices(
  db: Database,
  projectId: string,
  page: CursorRequest,
): Promise<CursorPage<Service>> {
  const rows = await db
    .selectFrom("services")
    .selectAll()
    .where("project_id", "=", projectId)
    .where(olderThan(page.after))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return cutPage(rows.map(toService), page.limit, (service) => ({
    at: service.createdAt.getTime(),
    id: service.id,
  }));
}
