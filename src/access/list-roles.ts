import type { Context } from "../context.ts";
import { getProject } from "../projects/get-project.ts";
import type { ProjectRole } from "./role.ts";
import { listProjectRoles } from "./role-store.ts";

/** Who holds a role in the project, by name. System admins, who may do everything, are not listed. Throws PROJECT_NOT_FOUND. */
export async function listRoles(ctx: Context, projectKey: string): Promise<ProjectRole[]> {
  const project = await getProject(ctx, projectKey);
  return await listProjectRoles(ctx.db, project.id);
}
