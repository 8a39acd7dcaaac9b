import type { Context } from "../context.ts";
import { listPromotedFrom } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { type Deployment, isActive } from "./deployment.ts";
import { moveDeployment, type Move } from "./move-deployment.ts";
import { startNext } from "./start-next.ts";
import { lookAgain } from "./start-queued-request.ts";

/**
 * Gives a deployment a status and lets whatever waits for that have its turn: the next one here, and, after a success, where
 * versions come from here. In the caller's transaction, which has locked the environment.
 */
export async function moveOn(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  move: Move,
): Promise<Deployment> {
  const after = await moveDeployment(tx, environment, deployment, move);
  if (after.status === "success")
    for (const next of await listPromotedFrom(tx.db, environment.id)) await lookAgain(tx, next.id);
  if (!isActive(after.status)) await startNext(tx, environment);
  return after;
}
