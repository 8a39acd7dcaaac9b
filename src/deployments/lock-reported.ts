import type { Context } from "../context.ts";
import { lockNamed, toEnvironment } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { unknownEnvironment } from "../environments/get-environment.ts";
import type { Project } from "../projects/project.ts";
import { batch, rowsOf } from "../storage/batch.ts";
import type { Deployment } from "./deployment.ts";
import { newestIn, toDeployment } from "./deployment-store.ts";

/** What a report is about. */
export interface Reported {
  readonly environment: Environment;
  /** The newest deployment of the version there; null when there is none. */
  readonly newest: Deployment | null;
}

/**
 * Locks an environment of the project until the transaction ends, and finds what a report is about: in one hop, for reports
 * are many. Once it is locked nobody gives its name to another. Throws ENVIRONMENT_NOT_FOUND.
 */
export async function lockReported(
  tx: Context,
  project: Project,
  { environment: name, version }: { readonly environment: string; readonly version: string },
): Promise<Reported> {
  const lock = lockNamed(tx.db, project.id, name);
  const find = newestIn(tx.db, project.id, name, version);
  const [locked, found] = await batch(tx.db, [lock, find]);
  const [environment] = rowsOf(lock, locked).map(toEnvironment);
  if (!environment) throw unknownEnvironment(project, name);
  return { environment, newest: rowsOf(find, found).map(toDeployment)[0] ?? null };
}
