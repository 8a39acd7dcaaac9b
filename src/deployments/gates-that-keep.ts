import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import type { Deployable } from "./deployable.ts";
import type { Deployment } from "./deployment.ts";
import { evaluateGates } from "./evaluate-gates.ts";
import { closedGates, type Gate } from "./gate.ts";
import { type GateQuestion, loadGateFacts, type PlaceFacts } from "./load-gate-facts.ts";

/** The closed gates that keep a deployment that waits, those that it passes by force apart. Whose turn it is does not count. */
export async function gatesThatKeep(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  target: Deployable,
  place: PlaceFacts,
): Promise<Gate[]> {
  const question: GateQuestion = {
    environment,
    target,
    kind: deployment.kind,
    byPerson: deployment.actorUserId !== null,
    // Asked when it was accepted: who may start something may have it wait.
    role: "releaser",
    position: null,
  };
  const facts = await loadGateFacts(tx, question, place);
  return closedGates(evaluateGates(facts, tx.now()), deployment.forced);
}
