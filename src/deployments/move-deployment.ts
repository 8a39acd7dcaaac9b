import type { EventKind } from "../audit/event.ts";
import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { listPromotedFrom, settleCurrent } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { type Deployment, type DeploymentStatus, isActive, type StatusSource } from "./deployment.ts";
import { addToHistory } from "./deployment-history-store.ts";
import { updateDeployment } from "./deployment-store.ts";
import { lookAgain } from "./start-queued-request.ts";

const EVENTS = {
  pending: "deployment.reported",
  in_progress: "deployment.running",
  canceling: "deployment.canceling",
  canceled: "deployment.canceled",
  success: "deployment.succeeded",
  failure: "deployment.failed",
  error: "deployment.error",
  unknown: "deployment.lost",
} as const satisfies Record<DeploymentStatus, EventKind>;

/** A status that a deployment is to have, who says so, and what there is to say. */
export interface Move {
  readonly status: DeploymentStatus;
  readonly source: StatusSource;
  /** Empty: nothing. An ended one that did not succeed keeps it as its error. */
  readonly message: string;
}

/**
 * Gives a deployment a status: row, history, what its environment runs, and the event, in the caller's transaction, which
 * has locked the environment. What waits elsewhere for a success here is looked at again; the caller then lets whatever waits
 * in this environment have its turn.
 */
export async function moveDeployment(
  tx: Context,
  environment: Environment,
  before: Deployment,
  move: Move,
): Promise<Deployment> {
  const now = tx.now();
  const active = isActive(move.status);
  const after: Deployment = {
    ...before,
    status: move.status,
    started: before.started || move.status === "in_progress",
    waitsFor: "",
    error: errorOf(before, move),
    startedAt: before.startedAt ?? now,
    endedAt: active ? null : (before.endedAt ?? now),
  };
  await updateDeployment(tx.db, after);
  await addToHistory(tx.db, before.number, {
    status: move.status,
    source: move.source,
    actorName: tx.actor.name,
    message: move.message,
    at: now,
  });
  const settles = (before.status === "success") !== (after.status === "success");
  // The environment runs the success with the highest number: a late success of an older attempt cannot win.
  const goesOn = settles && (await settleCurrent(tx.db, environment.id));
  await recordEvent(tx, {
    kind: EVENTS[move.status],
    projectId: after.projectId,
    subjectId: after.id,
    before: { status: before.status },
    after: {
      number: after.number,
      environment: environment.name,
      version: after.version,
      status: after.status,
      source: move.source,
      message: move.message,
    },
  });
  if (goesOn && after.status === "success")
    for (const next of await listPromotedFrom(tx.db, environment.id)) await lookAgain(tx, next.id);
  return after;
}

function errorOf(before: Deployment, { status, message }: Move): string | null {
  if (status === "success" || status === "pending" || status === "in_progress") return null;
  return message === "" ? before.error : message;
}
