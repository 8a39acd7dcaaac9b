import { requireRole } from "../access/authorize.ts";
import { type Context, inTransaction } from "../context.ts";
import { lockEnvironment } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { DomainError } from "../kernel/errors.ts";
import { findProjectById } from "../projects/project-store.ts";
import { askToCancel } from "../workflows/wake-run.ts";
import { isOver } from "../workflows/workflow-run.ts";
import { runsOf } from "../workflows/workflow-run-store.ts";
import { deploy } from "./create-deployment.ts";
import { deployableOf } from "./deployable-store.ts";
import { type Deployment, isActive } from "./deployment.ts";
import type { Force } from "./force-gates.ts";
import { getDeployment } from "./get-deployment.ts";
import { moveDeployment } from "./move-deployment.ts";
import { rollBackEnvironment } from "./roll-back-environment.ts";

export interface StartAgain {
  readonly number: number;
  /** Null: closed gates refuse it. */
  readonly force: Force | null;
}

/**
 * Deploys the version of a deployment once more, by the same gates, when that did not succeed. One whose run cannot be found is
 * given up first, which a person has to answer for; when the gates refuse the new one it is as it was. Needs a releaser that is
 * a user. Throws DEPLOYMENT_NOT_FOUND, FORBIDDEN, DEPLOYMENT_UNDER_WAY, DEPLOYMENT_OVER, and what a new one throws.
 */
export function startAgain(ctx: Context, { number, force }: StartAgain): Promise<Deployment> {
  return inTransaction(ctx, async (tx) => {
    const found = await getDeployment(tx, number);
    requireRole(tx, found.projectId, "releaser");
    if (tx.actor.userId === null)
      throw new DomainError("FORBIDDEN", "Only a person may start a deployment again: sign in as a user");
    const environment = await lockEnvironment(tx.db, found.environmentId);
    const deployment = await getDeployment(tx, number);
    refuse(deployment);
    if (deployment.status === "unknown") await giveUp(tx, environment, deployment);
    return await anew(tx, environment, deployment, force);
  });
}

function refuse({ number, status }: Deployment): void {
  if (status === "success")
    throw new DomainError("DEPLOYMENT_OVER", `Deployment ${number} has succeeded: deploy its version anew`);
  if (isActive(status) && status !== "unknown")
    throw new DomainError("DEPLOYMENT_UNDER_WAY", `Deployment ${number} is under way: ${status}`);
}

/** The environment is free again. A run that comes back after all is asked to end. */
async function giveUp(tx: Context, environment: Environment, deployment: Deployment): Promise<void> {
  await moveDeployment(tx, environment, deployment, {
    status: "error",
    source: "headgate",
    message: `given up by ${tx.actor.name}, to start it again`,
  });
  for (const run of await runsOf(tx.db, { deploymentNumber: deployment.number, candidateId: null }))
    if (!isOver(run.state)) await askToCancel(tx, run);
}

async function anew(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  force: Force | null,
): Promise<Deployment> {
  if (deployment.kind === "deploy") {
    const target = await deployableOf(tx.db, deployment);
    return await deploy(tx, environment.id, target, { origin: "request", force });
  }
  const project = await findProjectById(tx.db, deployment.projectId);
  return await rollBackEnvironment(tx, {
    project: { key: project?.key ?? "" },
    environment: environment.name,
    version: deployment.version,
    skipRolledBack: false,
    force,
  });
}
