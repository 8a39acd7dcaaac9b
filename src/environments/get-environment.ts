import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "../projects/project.ts";
import type { Environment } from "./environment.ts";
import { findEnvironment } from "./environment-store.ts";

/** A project's environment of this name; case counts. The caller has made sure that the actor may see the project. Throws ENVIRONMENT_NOT_FOUND. */
export async function getEnvironment(ctx: Context, project: Project, name: string): Promise<Environment> {
  const environment = await findEnvironment(ctx.db, project.id, name);
  if (!environment) throw unknownEnvironment(project, name);
  return environment;
}

export const unknownEnvironment = ({ key }: Project, name: string): DomainError =>
  new DomainError("ENVIRONMENT_NOT_FOUND", `The project ${key} has no environment ${name}`);
