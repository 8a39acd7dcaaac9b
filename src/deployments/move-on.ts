import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { type Deployment, isActive } from "./deployment.ts";
import { moveDeployment, type Move } from "./move-deployment.ts";
import { startNext } from "./start-next.ts";

/**
 * Gives a deployment a status, and when that is its end lets the next one here have its turn. In the caller's transaction,
 * which has locked the environment.
 */
export async function moveOn(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  move: Move,
): Promise<Deployment> {
  const after = await moveDeployment(tx, environment, deployment, move);
  if (!isActive(after.status)) await startNext(tx, environment);
  return after;
}
