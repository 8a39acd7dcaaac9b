import { mayNameInReport } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { type ProjectRef, resolveReported } from "../projects/get-project.ts";
import type { Project } from "../projects/project.ts";
import type { Environment } from "./environment.ts";
import { findEnvironment, lockEnvironmentNamed } from "./environment-store.ts";

/** A project's environment of this name; case counts. The caller has made sure that the actor may see the project. Throws ENVIRONMENT_NOT_FOUND. */
export async function getEnvironment(ctx: Context, project: Project, name: string): Promise<Environment> {
  return known(await findEnvironment(ctx.db, project.id, name), project, name);
}

/**
 * The environment that a report is about, locked until the transaction ends: in one statement, for reports are many.
 * Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND.
 */
export async function lockReportedEnvironment(
  tx: Context,
  ref: ProjectRef,
  name: string,
): Promise<Environment> {
  const environment = await lockEnvironmentNamed(tx.db, ref, name);
  if (environment && mayNameInReport(tx, environment.projectId)) return environment;
  return known(null, await resolveReported(tx, ref), name);
}

function known(environment: Environment | null, { key }: Project, name: string): Environment {
  if (environment) return environment;
  throw new DomainError("ENVIRONMENT_NOT_FOUND", `The project ${key} has no environment ${name}`);
}
