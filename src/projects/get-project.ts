import { maySee } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "./project.ts";
import { findProject } from "./project-store.ts";

/** The project with this key. One that the actor may not see is unknown. Throws PROJECT_NOT_FOUND. */
export async function getProject(ctx: Context, key: string): Promise<Project> {
  const project = await findProject(ctx.db, key);
  if (!project || !maySee(ctx, project.id))
    throw new DomainError("PROJECT_NOT_FOUND", `Unknown project ${key}`);
  return project;
}
