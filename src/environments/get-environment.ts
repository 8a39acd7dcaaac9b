import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "../projects/project.ts";
import type { Environment } from "./environment.ts";
import { findEnvironment, lockEnvironmentNamed } from "./environment-store.ts";

/** A project's environment of this name; case counts. The caller has made sure that the actor may see the project. Throws ENVIRONMENT_NOT_FOUND. */
export async function getEnvironment(ctx: Context, project: Project, name: string): Promise<Environment> {
  return known(await findEnvironment(ctx.db, project.id, name), project, name);
}

/** The same, locked until the transaction ends. */
export async function getAndLockEnvironment(
  tx: Context,
  project: Project,
  name: string,
): Promise<Environment> {
  return known(await lockEnvironmentNamed(tx.db, project.id, name), project, name);
}

function known(environment: Environment | null, { key }: Project, name: string): Environment {
  if (environment) return environment;
  throw new DomainError("ENVIRONMENT_NOT_FOUND", `The project ${key} has no environment ${name}`);
}
