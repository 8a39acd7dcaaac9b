import { roleIn } from "../access/actor.ts";
import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import type { Deployable } from "./deployable.ts";
import type { DeploymentKind } from "./deployment.ts";
import { evaluateGates } from "./evaluate-gates.ts";
import type { Gate } from "./gate.ts";
import { loadGateFacts, loadPlaceFacts } from "./load-gate-facts.ts";
import { queuePosition } from "./queue-position.ts";

/** Every gate as it stands for the one who asks, and how many go first. */
export interface CallersGates {
  readonly gates: readonly Gate[];
  readonly behind: number;
}

/** Judges the gates for the actor, in the caller's transaction. A rollback goes before all that wait, and what is at work is called off for it. */
export async function gatesForCaller(
  tx: Context,
  environment: Environment,
  target: Deployable,
  kind: DeploymentKind,
): Promise<CallersGates> {
  const place = await loadPlaceFacts(tx, environment);
  const position = kind === "rollback" ? null : await queuePosition(tx, environment, place);
  const question = {
    environment,
    target,
    kind,
    byPerson: tx.actor.userId !== null,
    role: roleIn(tx.actor, environment.projectId),
    position,
  };
  const facts = await loadGateFacts(tx, question, place);
  return { gates: evaluateGates(facts, tx.now()), behind: facts.concurrency.behind };
}
