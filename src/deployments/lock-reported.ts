import { mayNameInReport } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { environmentNamed, lockNamed, toEnvironment } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { unknownEnvironment } from "../environments/get-environment.ts";
import { type ProjectRef, resolveReported } from "../projects/get-project.ts";
import { batch, rowsOf } from "../storage/batch.ts";
import type { Deployment } from "./deployment.ts";
import { newestOf, toDeployment } from "./deployment-store.ts";

/** What a report is about. */
export interface Reported {
  readonly environment: Environment;
  /** The newest deployment of the version there; null when there is none. */
  readonly newest: Deployment | null;
}

/**
 * Locks the environment that a report names until the transaction ends, and finds what it is about: in one hop, for reports
 * are many. Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND.
 */
export async function lockReported(
  tx: Context,
  ref: ProjectRef,
  { environment: name, version }: { readonly environment: string; readonly version: string },
): Promise<Reported> {
  const lock = lockNamed(tx.db, ref, name);
  const find = newestOf(tx.db, environmentNamed(tx.db, ref, name).$asScalar(), version);
  const [locked, found] = await batch(tx.db, [lock, find]);
  const environment = rowsOf(lock, locked).map(toEnvironment)[0];
  if (!environment || !mayNameInReport(tx, environment.projectId))
    throw unknownEnvironment(await resolveReported(tx, ref), name);
  return { environment, newest: rowsOf(find, found).map(toDeployment)[0] ?? null };
}
