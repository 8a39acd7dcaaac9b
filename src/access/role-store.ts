import type { Database } from "../storage/database.ts";
import { type HeldRole, type ProjectRole, Role } from "./role.ts";

export async function putRole(db: Database, userId: string, projectId: string, role: Role): Promise<void> {
  await db
    .insertInto("project_roles")
    .values({ user_id: userId, project_id: projectId, role })
    .onConflict((conflict) => conflict.columns(["user_id", "project_id"]).doUpdateSet({ role }))
    .execute();
}

export async function removeRole(db: Database, userId: string, projectId: string): Promise<void> {
  await db
    .deleteFrom("project_roles")
    .where("user_id", "=", userId)
    .where("project_id", "=", projectId)
    .execute();
}

export async function findRole(db: Database, userId: string, projectId: string): Promise<Role | null> {
  const row = await db
    .selectFrom("project_roles")
    .select("role")
    .where("user_id", "=", userId)
    .where("project_id", "=", projectId)
    .executeTakeFirst();
  return row ? Role.parse(row.role) : null;
}

/** Who holds a role in the project, by name. */
export async function listProjectRoles(db: Database, projectId: string): Promise<ProjectRole[]> {
  const rows = await db
    .selectFrom("project_roles as held")
    .innerJoin("users as user", "user.id", "held.user_id")
    .select(["user.id", "user.name", "held.role"])
    .where("held.project_id", "=", projectId)
    .orderBy("user.name")
    .execute();
  return rows.map((row) => ({ userId: row.id, userName: row.name, role: Role.parse(row.role) }));
}

/** The roles a user holds, with each project's id and key. */
export async function listRolesOf(db: Database, userId: string): Promise<HeldRole[]> {
  const rows = await db
    .selectFrom("project_roles as held")
    .innerJoin("projects as project", "project.id", "held.project_id")
    .select(["project.id", "project.key", "held.role"])
    .where("held.user_id", "=", userId)
    .execute();
  return rows.map((row) => ({ projectId: row.id, projectKey: row.key, role: Role.parse(row.role) }));
}
