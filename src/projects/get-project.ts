import { maySee, maySeeReports } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "./project.ts";
import { findProject, findProjectByName } from "./project-store.ts";

/** How a caller names a project: by its key, or by its name as Aviator's clients do. */
export type ProjectRef = { readonly key: string } | { readonly name: string };

/** The project with this key. One that the actor may not see is unknown. Throws PROJECT_NOT_FOUND. */
export const getProject = (ctx: Context, key: string): Promise<Project> => resolveProject(ctx, { key });

/** The same by key or by name. */
export const resolveProject = (ctx: Context, ref: ProjectRef): Promise<Project> =>
  find(ctx, ref, (id) => maySee(ctx, id));

/** The same for a report: a token that may only report sees nothing of a project, and yet names it. */
export const resolveReported = (ctx: Context, ref: ProjectRef): Promise<Project> =>
  find(ctx, ref, (id) => maySee(ctx, id) || maySeeReports(ctx, id));

async function find(ctx: Context, ref: ProjectRef, isKnown: (id: string) => boolean): Promise<Project> {
  const byKey = "key" in ref;
  const project = byKey ? await findProject(ctx.db, ref.key) : await findProjectByName(ctx.db, ref.name);
  if (!project || !isKnown(project.id))
    throw new DomainError("PROJECT_NOT_FOUND", `Unknown project ${byKey ? ref.key : ref.name}`);
  return project;
}
