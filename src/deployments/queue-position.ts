import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { deployableOf } from "./deployable-store.ts";
import { type Deployment, holdsEnvironment, isQueued } from "./deployment.ts";
import type { GateFacts } from "./evaluate-gates.ts";
import { gatesThatKeep } from "./gates-that-keep.ts";
import type { PlaceFacts } from "./load-gate-facts.ts";

/** A transaction has time for no more; that so many are kept and a later one is not would be a rare chance. */
const MOST_LOOKED_AT = 100;

/**
 * What a deployment that is asked for now finds in front of it. Those that wait behind closed gates let it pass while nothing is
 * at work, and are counted otherwise: their gates may open first. Where no workflow is we start nothing, so nobody waits.
 */
export async function queuePosition(
  tx: Context,
  environment: Environment,
  place: PlaceFacts,
): Promise<GateFacts["concurrency"]> {
  const { workflowId, concurrency } = environment;
  if (workflowId === null) return { policy: "queue", busyWith: null, behind: 0 };
  const { active } = place;
  const atWork = active.filter(holdsEnvironment);
  const waiting = active.filter(
    (one) => isQueued(one) && (concurrency !== "supersede" || one.kind === "rollback"),
  );
  const passes = atWork.length === 0 && !(await someWouldStart(tx, environment, waiting, place));
  return {
    policy: concurrency,
    busyWith: atWork[0]?.number ?? null,
    behind: passes ? 0 : atWork.length + waiting.length,
  };
}

async function someWouldStart(
  tx: Context,
  environment: Environment,
  waiting: readonly Deployment[],
  place: PlaceFacts,
): Promise<boolean> {
  for (const one of waiting.slice(0, MOST_LOOKED_AT)) {
    const target = await deployableOf(tx.db, one);
    if ((await gatesThatKeep(tx, environment, one, target, place)).length === 0) return true;
  }
  return false;
}
