import { ProblemError } from "../../src/api/client.ts";
import { CreateDeployment, ExplainGates } from "../../src/api/contract/deployments.ts";
import { CreateFreeze, LiftFreeze } from "../../src/api/contract/freezes.ts";
import { problemCode } from "../../src/api/contract/problem.ts";
import { gateLines } from "../../src/cli/print-gates.ts";
import { closedGates } from "../../src/deployments/gate.ts";
import { LIVE } from "./run-release.ts";
import type { Scene } from "./scene.ts";
import { PROJECT } from "./set-up.ts";

const FREEZE = "weekend";
const FROZEN_MILLIS = 2 * 86_400_000;

/** Freezes production, and asks why the held version cannot go out and when it can. */
export async function freezeAndAsk(scene: Scene): Promise<void> {
  const { production, promotedVersion, version, say } = scene;
  say.step(
    "Freeze production, and ask why",
    "Every rule is a gate, and the answer is the one that a deployment would get: what keeps it, until when, and whom to ask.",
  );
  const now = Date.now();
  const endsAt = new Date(now + FROZEN_MILLIS);
  await production.client.call(CreateFreeze, {
    body: {
      name: FREEZE,
      place: { tier: "production" },
      schedule: { kind: "once", startsAt: new Date(now).toISOString(), endsAt: endsAt.toISOString() },
      reason: "nobody is there",
      ownerName: "Ana",
    },
  });
  const params = { project: PROJECT, environment: LIVE };
  const ask = (text: string) => production.client.call(ExplainGates, { params, query: { version: text } });
  const report = await ask(promotedVersion);
  for (const line of gateLines(`${promotedVersion} to ${LIVE}`, report)) say.line(line);
  const closed = closedGates(report.gates);
  const rules = closed.map(({ rule }) => rule).join(", ");
  if (rules !== "hold, freeze") throw new Error(`the closed gates are ${rules || "none"}, not hold, freeze`);
  if (closed.at(-1)?.opensAt?.getTime() !== endsAt.getTime())
    throw new Error(`the freeze opens at ${String(closed.at(-1)?.opensAt)}, not at ${String(endsAt)}`);
  const refusal = await production.client
    .call(CreateDeployment, { params, body: { version } })
    .then(() => "accepted")
    .catch((error: unknown) => {
      if (error instanceof ProblemError) return problemCode(error.problem);
      throw error;
    });
  if (refusal !== "ENVIRONMENT_FROZEN")
    throw new Error(`a deployment into the freeze was answered ${refusal}`);
  say.fact(`deploying ${version} now`, refusal);
  await production.client.call(LiftFreeze, { params: { freeze: FREEZE } });
  const { state } = await ask(version);
  if (state !== "open") throw new Error(`after the freeze was lifted ${version} is ${state}`);
  say.done(`lifted; ${version} could go out again`);
}
