import { roleIn } from "../access/actor.ts";
import { requireRole } from "../access/authorize.ts";
import { type Context, inTransaction } from "../context.ts";
import { lockEnvironment } from "../environments/environment-store.ts";
import { getEnvironment } from "../environments/get-environment.ts";
import { DomainError } from "../kernel/errors.ts";
import { type ProjectRef, resolveProject } from "../projects/get-project.ts";
import { acceptDeployment, currentOf } from "./accept-deployment.ts";
import type { Deployable } from "./deployable.ts";
import { findDeployable } from "./deployable-store.ts";
import type { Deployment, DeploymentOrigin } from "./deployment.ts";
import { findDeployment } from "./deployment-store.ts";
import { type Force, passGates } from "./force-gates.ts";
import { gatesForCaller } from "./gates-for-caller.ts";
import { makeRoom } from "./make-room.ts";
import { startNext } from "./start-next.ts";

export interface CreateDeployment {
  readonly project: ProjectRef;
  readonly environment: string;
  /** A candidate's, or that of a release without candidates. */
  readonly version: string;
  /** Null: closed gates refuse it. */
  readonly force: Force | null;
}

/**
 * Accepts the deployment of a version to an environment; it starts when its turn comes. Needs a releaser.
 * Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN, and the code of the first closed gate.
 */
export function createDeployment(ctx: Context, input: CreateDeployment): Promise<Deployment> {
  return inTransaction(ctx, async (tx) => {
    const project = await resolveProject(tx, input.project);
    const environment = await getEnvironment(tx, project, input.environment);
    const target = await findDeployable(tx.db, project.id, input.version);
    if (!target) throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${input.version}`);
    requireRole(tx, project.id, "releaser");
    return await deploy(tx, environment.id, target, { origin: "request", force: input.force });
  });
}

/** Accepts a deployment in the caller's transaction, after all that is to be asked of its caller. */
export async function deploy(
  tx: Context,
  environmentId: string,
  target: Deployable,
  { origin, force }: { readonly origin: DeploymentOrigin; readonly force: Force | null },
): Promise<Deployment> {
  const environment = await lockEnvironment(tx.db, environmentId);
  const { gates } = await gatesForCaller(tx, environment, target, "deploy");
  const forced = passGates(gates, force, roleIn(tx.actor, environment.projectId));
  await makeRoom(tx, environment, target.version);
  const accepted = await acceptDeployment(tx, environment, target, {
    kind: "deploy",
    origin,
    from: await currentOf(tx, environment),
    leaves: null,
    forced,
    forceReason: forced.length === 0 ? null : (force?.reason ?? null),
  });
  await startNext(tx, environment);
  return (await findDeployment(tx.db, accepted.number)) ?? accepted;
}
