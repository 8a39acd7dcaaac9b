import type { Context } from "../context.ts";
import { getProject } from "../projects/get-project.ts";
import { distinctLabels } from "./release-list-store.ts";

/** The labels of a project's releases, sorted. Needs a viewer. Throws PROJECT_NOT_FOUND. */
export async function listLabels(ctx: Context, projectKey: string): Promise<string[]> {
  const project = await getProject(ctx, projectKey);
  return distinctLabels(ctx.db, project.id);
}
