import { requireRole } from "../access/authorize.ts";
import { type Context, inTransaction } from "../context.ts";
import { lockEnvironment } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { DomainError } from "../kernel/errors.ts";
import { askToCancel } from "../workflows/wake-run.ts";
import { runsOf } from "../workflows/workflow-run-store.ts";
import { isOver } from "../workflows/workflow-run.ts";
import { type Deployment, isActive, isQueued } from "./deployment.ts";
import { getDeployment } from "./get-deployment.ts";
import { moveDeployment } from "./move-deployment.ts";
import { startNext } from "./start-next.ts";

/**
 * Calls a deployment off: at once when it has not started, else by asking its run to end. Needs a releaser.
 * Throws DEPLOYMENT_NOT_FOUND, FORBIDDEN, DEPLOYMENT_OVER.
 */
export function cancelDeployment(ctx: Context, number: number): Promise<Deployment> {
  return inTransaction(ctx, async (tx) => {
    const found = await getDeployment(tx, number);
    requireRole(tx, found.projectId, "releaser");
    const environment = await lockEnvironment(tx.db, found.environmentId);
    const deployment = await getDeployment(tx, number);
    if (!isActive(deployment.status))
      throw new DomainError("DEPLOYMENT_OVER", `Deployment ${number} has ended: ${deployment.status}`);
    const after = await callOff(tx, environment, deployment, `called off by ${tx.actor.name}`);
    if (!isActive(after.status)) await startNext(tx, environment);
    return after;
  });
}

/**
 * Calls an active deployment off, in the caller's transaction, which has locked the environment. One whose run we do not
 * drive is off at once: there is nobody to ask.
 */
export async function callOff(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  message: string,
): Promise<Deployment> {
  const runs = await runsOf(tx.db, { deploymentNumber: deployment.number, candidateId: null });
  const open = runs.filter((run) => !isOver(run.state));
  const endsAtOnce = isQueued(deployment) || open.length === 0;
  if (!endsAtOnce) for (const run of open) await askToCancel(tx, run);
  if (!endsAtOnce && deployment.status === "canceling") return deployment;
  return await moveDeployment(tx, environment, deployment, {
    status: endsAtOnce ? "canceled" : "canceling",
    source: "headgate",
    message,
  });
}
