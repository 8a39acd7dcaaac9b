import type { Compilable } from "kysely";
import type { EventFacts, EventKind } from "../audit/event.ts";
import { eventToRecord } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { listPromotedFrom, runInstead, runNoMore } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { batch } from "../storage/batch.ts";
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
  const entry = { status: move.status, source: move.source, actorName: tx.actor.name, message: move.message };
  const results = await batch(tx.db, [
    updateDeployment(tx.db, after),
    addToHistory(tx.db, before.number, { ...entry, at: now }),
    eventToRecord(tx, eventOf(environment, before, after, move)),
    ...settle(tx, before, after),
  ]);
  if (results.at(-1)?.rows[0]?.["goes_on"])
    for (const next of await listPromotedFrom(tx.db, environment.id)) await lookAgain(tx, next.id);
  return after;
}

/** What the environment runs when a deployment became a success, or is none any more. */
function settle(
  tx: Context,
  before: Deployment,
  { environmentId, number, status }: Deployment,
): Compilable[] {
  const isSuccess = status === "success";
  if (isSuccess === (before.status === "success")) return [];
  return [isSuccess ? runInstead(tx.db, environmentId, number) : runNoMore(tx.db, environmentId, number)];
}

const eventOf = (
  environment: Environment,
  before: Deployment,
  { projectId, id, number, version, status }: Deployment,
  { source, message }: Move,
): EventFacts => ({
  kind: EVENTS[status],
  projectId,
  subjectId: id,
  before: { status: before.status },
  after: { number, environment: environment.name, version, status, source, message },
});

function errorOf(before: Deployment, { status, message }: Move): string | null {
  if (status === "success" || status === "pending" || status === "in_progress") return null;
  return message === "" ? before.error : message;
}
