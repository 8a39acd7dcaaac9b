import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { findProjectById } from "../projects/project-store.ts";
import { workflowInputs } from "../workflows/workflow-inputs.ts";
import { requestRun } from "../workflows/request-run.ts";
import { findWorkflowById } from "../workflows/workflow-store.ts";
import type { Deployable } from "./deployable.ts";
import { deployableOf } from "./deployable-store.ts";
import { deploymentValues } from "./deployment-inputs.ts";
import { type Deployment, holdsEnvironment, isQueued } from "./deployment.ts";
import { updateDeployment } from "./deployment-store.ts";
import type { Gate } from "./gate.ts";
import { gatesThatKeep } from "./gates-that-keep.ts";
import { loadPlaceFacts, type PlaceFacts } from "./load-gate-facts.ts";
import { lookAgain, lookAgainAt } from "./start-queued-request.ts";

/*
 * Who starts, and when. Whatever may let a deployment start ends with `startNext` under the lock of its environment: an
 * acceptance, the end of another deployment, a gate that opens. At most one deployment of an environment is at work. Of
 * those that wait a rollback goes first, then the oldest whose gates are open: one that is kept does not keep the others.
 */

/** So many are looked at in one transaction, which must be short; the rest in one of its own. */
const MOST_AT_ONCE = 100;

/** Starts whatever has its turn in an environment that the caller's transaction has locked; `after`: up to that one all are kept. */
export async function startNext(tx: Context, environment: Environment, after = 0): Promise<void> {
  if (environment.workflowId === null) return;
  const place = await loadPlaceFacts(tx, environment);
  if (place.active.some(holdsEnvironment)) return;
  const waiting = inTurn(place.active, after);
  const opens: number[] = [];
  for (const [index, deployment] of waiting.entries()) {
    if (index === MOST_AT_ONCE) {
      await lookAgain(tx, environment.id, waiting[index - 1]?.number);
      break;
    }
    const closed = await tryToStart(tx, environment, deployment, place);
    if (closed.length === 0) break;
    opens.push(...closed.flatMap(({ opensAt }) => (opensAt ? [opensAt.getTime()] : [])));
  }
  if (opens.length > 0) await lookAgainAt(tx, environment.id, new Date(Math.min(...opens)));
}

const inTurn = (active: readonly Deployment[], after: number): Deployment[] =>
  active
    .filter((one) => isQueued(one) && (one.number > after || one.kind === "rollback"))
    .toSorted(
      (one, other) =>
        Number(other.kind === "rollback") - Number(one.kind === "rollback") || one.number - other.number,
    );

/** Starts it, or keeps it and says which gates are closed. */
async function tryToStart(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  place: PlaceFacts,
): Promise<readonly Gate[]> {
  const target = await deployableOf(tx.db, deployment);
  const closed = await gatesThatKeep(tx, environment, deployment, target, place);
  if (closed.length === 0) await start(tx, environment, deployment, target);
  else await keep(tx, deployment, closed);
  return closed;
}

/** It goes on waiting, and says for what. */
async function keep(tx: Context, deployment: Deployment, closed: readonly Gate[]): Promise<void> {
  const waitsFor = closed.map(({ text }) => text).join("; ");
  if (waitsFor !== deployment.waitsFor) await updateDeployment(tx.db, { ...deployment, waitsFor }).execute();
}

/** Writes the intent down, with the work that carries it out. */
async function start(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  target: Deployable,
): Promise<void> {
  const workflow = await findWorkflowById(tx.db, environment.workflowId ?? "");
  const project = await findProjectById(tx.db, environment.projectId);
  if (!workflow || !project) throw new Error(`environment ${environment.id} has no workflow or no project`);
  const values = await deploymentValues(tx, environment, deployment, target);
  const runId = await requestRun(tx, {
    project,
    workflow,
    purpose: "deploy",
    deploymentNumber: deployment.number,
    candidateId: null,
    inputs: (run) => workflowInputs(workflow, "deploy", { ...values, run }),
  });
  await updateDeployment(tx.db, {
    ...deployment,
    started: true,
    waitsFor: "",
    startedAt: tx.now(),
  }).execute();
  await recordEvent(tx, {
    kind: "deployment.started",
    projectId: deployment.projectId,
    subjectId: deployment.id,
    after: {
      number: deployment.number,
      environment: environment.name,
      version: deployment.version,
      workflow: workflow.name,
      run: runId,
    },
  });
}
