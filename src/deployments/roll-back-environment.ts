import { roleIn } from "../access/actor.ts";
import { requireRole } from "../access/authorize.ts";
import { type Context, inTransaction } from "../context.ts";
import { lockEnvironment } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { getEnvironment } from "../environments/get-environment.ts";
import { DomainError } from "../kernel/errors.ts";
import { type ProjectRef, resolveProject } from "../projects/get-project.ts";
import { acceptDeployment } from "./accept-deployment.ts";
import { callOff } from "./cancel-deployment.ts";
import { cancelWaiting } from "./cancel-waiting.ts";
import type { Deployable } from "./deployable.ts";
import type { Deployment } from "./deployment.ts";
import { findDeployment, listActive } from "./deployment-store.ts";
import { findRollbackTarget } from "./find-rollback-target.ts";
import { type Force, passGates } from "./force-gates.ts";
import { gatesForCaller } from "./gates-for-caller.ts";
import { holdVersion } from "./hold-version.ts";
import { startNext } from "./start-next.ts";

export interface RollBackEnvironment {
  readonly project: ProjectRef;
  readonly environment: string;
  /** Null: what the history says. */
  readonly version: string | null;
  /** Versions that were left by a rollback here are passed over. */
  readonly skipRolledBack: boolean;
  /** Null: closed gates refuse it. */
  readonly force: Force | null;
}

/**
 * Takes an environment back to the version that it ran before, by the ordinary way of a deployment. What is under way is called
 * off first; what was left is held. While a rollback is under way, asking again answers with that one.
 * Needs a releaser. Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, FORBIDDEN, ENVIRONMENT_FROZEN, ROLLBACK_TARGET_NOT_FOUND.
 */
export function rollBackEnvironment(ctx: Context, input: RollBackEnvironment): Promise<Deployment> {
  return inTransaction(ctx, async (tx) => {
    const project = await resolveProject(tx, input.project);
    const { id } = await getEnvironment(tx, project, input.environment);
    requireRole(tx, project.id, "releaser");
    const environment = await lockEnvironment(tx.db, id);
    const active = await listActive(tx.db, environment.id);
    const newest = active.at(-1);
    const isUnderWay = newest?.kind === "rollback" && newest.environmentNumber === environment.lastDeployment;
    if (newest && isUnderWay && (input.version === null || input.version === newest.version)) return newest;
    return await begin(tx, environment, active, input);
  });
}

/** The freeze comes before the search, and the search before anything is called off. */
async function begin(
  tx: Context,
  environment: Environment,
  active: readonly Deployment[],
  input: RollBackEnvironment,
): Promise<Deployment> {
  const choice = await findRollbackTarget(tx, environment, input);
  const forced = await passClosedGates(tx, environment, choice?.deployable ?? null, input.force);
  if (!choice) throw new DomainError("ROLLBACK_TARGET_NOT_FOUND");
  const { leaves, deployable } = choice;
  const why = `called off by ${tx.actor.name} for a rollback to ${deployable.version}`;
  for (const one of await cancelWaiting(tx, environment, active, why))
    await callOff(tx, environment, one, why);
  const accepted = await acceptDeployment(tx, environment, deployable, {
    kind: "rollback",
    origin: "request",
    from: leaves,
    leaves: leaves.number,
    forced,
    forceReason: forced.length === 0 ? null : (input.force?.reason ?? null),
  });
  await holdVersion(tx, environment, leaves, accepted);
  await startNext(tx, environment);
  return (await findDeployment(tx.db, accepted.number)) ?? accepted;
}

async function passClosedGates(
  tx: Context,
  environment: Environment,
  target: Deployable | null,
  force: Force | null,
) {
  const { gates } = await gatesForCaller(tx, environment, target ?? NOTHING, "rollback");
  const role = roleIn(tx.actor, environment.projectId);
  return passGates(target ? gates : gates.filter(({ rule }) => rule === "freeze"), force, role);
}

/** What stands for a target while there is none: only the freeze is looked at then. */
const NOTHING: Deployable = {
  projectId: "",
  releaseId: "",
  releaseVersion: "",
  version: "",
  candidate: null,
  content: null,
};
