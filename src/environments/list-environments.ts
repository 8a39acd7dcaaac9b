import type { Context } from "../context.ts";
import { getProject } from "../projects/get-project.ts";
import type { Environment } from "./environment.ts";
import { listEnvironments as listAll } from "./environment-store.ts";

/** A project's environments in their order. Needs a viewer. Throws PROJECT_NOT_FOUND. */
export async function listEnvironments(ctx: Context, projectKey: string): Promise<Environment[]> {
  const project = await getProject(ctx, projectKey);
  return await listAll(ctx.db, project.id);
}
