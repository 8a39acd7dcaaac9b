import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { getEnvironment } from "../environments/get-environment.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import type { Hold } from "./hold.ts";
import { findHold, liftHold as markLifted, listHolds as listAll } from "./hold-store.ts";
import { lookAgain } from "./start-queued-request.ts";

export interface HoldsThere {
  readonly projectKey: string;
  readonly environment: string;
}

/** Lets automation deploy a version again that an environment was rolled back from. Needs a releaser. Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, FORBIDDEN, HOLD_NOT_FOUND. */
export function liftHold(ctx: Context, input: HoldsThere & { readonly version: string }): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const environment = await environmentToRelease(tx, input);
    const hold = await findHold(tx.db, environment.id, input.version);
    if (!hold || !(await lift(tx, environment, hold)))
      throw new DomainError("HOLD_NOT_FOUND", `Nothing holds ${input.version} in ${environment.name}`);
    await lookAgain(tx, environment.id);
  });
}

/** The same for every version that is held there. Needs a releaser. Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, FORBIDDEN. */
export function liftHolds(ctx: Context, input: HoldsThere): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const environment = await environmentToRelease(tx, input);
    const holds = await listAll(tx.db, environment.projectId, environment.id);
    for (const hold of holds) await lift(tx, environment, hold);
    if (holds.length > 0) await lookAgain(tx, environment.id);
  });
}

async function environmentToRelease(tx: Context, input: HoldsThere): Promise<Environment> {
  const project = await getProject(tx, input.projectKey);
  const environment = await getEnvironment(tx, project, input.environment);
  requireRole(tx, project.id, "releaser");
  return environment;
}

async function lift(tx: Context, environment: Environment, hold: Hold): Promise<boolean> {
  if (!(await markLifted(tx.db, hold.id, { by: tx.actor.name, at: tx.now() }))) return false;
  await recordEvent(tx, {
    kind: "hold.lifted",
    projectId: hold.projectId,
    subjectId: hold.id,
    before: { ...hold, environment: environment.name },
  });
  return true;
}

/** A project's holds, newest first; with an environment, those there. Needs a viewer. Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND. */
export async function listHolds(
  ctx: Context,
  { projectKey, environment }: { readonly projectKey: string; readonly environment: string | null },
): Promise<Hold[]> {
  const project = await getProject(ctx, projectKey);
  const there = environment === null ? null : await getEnvironment(ctx, project, environment);
  return await listAll(ctx.db, project.id, there?.id ?? null);
}
