import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import type { Logger } from "pino";
import { DatabaseAwayError, messageOf } from "../kernel/errors.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { backoffMillis } from "./backoff.ts";
import type { DoneWriter } from "./done-writer.ts";
import { isLost, RunAbortedError, type Suspension } from "./interruption.ts";
import type { ClaimedTask } from "./lease-store.ts";
import { retryDelayMillis } from "./retry.ts";
import {
  endTask,
  giveBackTask,
  LeaseLostError,
  parkTask,
  renewTask,
  repeatTask,
  sleepTask,
} from "./run-store.ts";
import type { TaskEnd, TaskKind } from "./task.ts";
import { openRun } from "./task-run.ts";
import type { RunEnd, TaskWatch } from "./task-watch.ts";

/** Between two tries to write how a run ended, at most. */
const LONGEST_PAUSE_MILLIS = 10_000;

/** A claimed task, and what is needed to carry it out. */
export interface Assignment<Ctx> {
  readonly db: Database;
  readonly contextFor: () => Ctx;
  readonly kind: TaskKind<unknown, Ctx>;
  readonly claimed: ClaimedTask;
  /** The run's own signal; its reason is a RunAbortedError. */
  readonly signal: AbortSignal;
  /** Aborted when the process stops: what could not be written by then is left to the lease. */
  readonly stopping: AbortSignal;
  readonly endDone: DoneWriter;
  readonly log: Logger;
  readonly watch: TaskWatch;
}

/** How a run ended, before it is written. */
type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "suspended"; readonly suspensions: readonly Suspension[] }
  | { readonly kind: "interrupted" }
  | { readonly kind: "lost" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "repeated"; readonly delayMillis: number; readonly error: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

/** Runs a claimed task and writes how the run ended. Never rejects. */
export async function carryOut<Ctx extends { readonly db: Database }>(task: Assignment<Ctx>): Promise<void> {
  const begunAt = performance.now();
  const end = await runAndWrite(task);
  task.watch.ran(task.kind.name, end, (performance.now() - begunAt) / 1000);
}

async function runAndWrite<Ctx extends { readonly db: Database }>(task: Assignment<Ctx>): Promise<RunEnd> {
  const payload = readPayload(task);
  const outcome = await decide(task, payload);
  if (outcome.kind === "failed" || outcome.kind === "repeated")
    task.log.warn(
      { err: outcome.error, task: task.claimed.taskId, kind: task.kind.name, attempt: task.claimed.attempt },
      outcome.kind === "failed" ? "a task failed" : "a run of a task failed; the task is repeated",
    );
  for (let failures = 1; outcome.kind !== "lost"; failures += 1) {
    try {
      await write(task, payload, outcome);
      return outcome.kind;
    } catch (error) {
      if (error instanceof LeaseLostError || isLost(task.signal)) break;
      task.log.error(
        { err: error, task: task.claimed.taskId },
        "how a task's run ended could not be written",
      );
      await pause(Math.min(backoffMillis(failures), LONGEST_PAUSE_MILLIS), null, {
        signal: task.stopping,
      }).catch(() => undefined);
      if (task.stopping.aborted) return "interrupted";
    }
  }
  task.log.warn({ task: task.claimed.taskId, kind: task.kind.name }, "the lease of a task was lost");
  return "lost";
}

type Payload = { readonly value: unknown } | { readonly problem: string };

function readPayload<Ctx>({ kind, claimed }: Assignment<Ctx>): Payload {
  const where = `The payload of this task (${kind.name}, version ${kind.version}) is not valid`;
  try {
    const parsed = kind.payload.safeParse(JSON.parse(claimed.payloadJson));
    return parsed.success
      ? { value: parsed.data }
      : { problem: `${where}: ${z.prettifyError(parsed.error)}` };
  } catch (error) {
    return { problem: `${where}: ${messageOf(error)}` };
  }
}

async function decide<Ctx>(task: Assignment<Ctx>, payload: Payload): Promise<Outcome> {
  if (task.claimed.cancelRequested) return { kind: "cancelled" };
  if ("problem" in payload) return { kind: "failed", error: payload.problem };
  return run(task, payload.value);
}

async function run<Ctx>(task: Assignment<Ctx>, payload: unknown): Promise<Outcome> {
  const { kind, claimed, signal } = task;
  try {
    const opened = await openRun(task);
    try {
      await kind.run(task.contextFor(), payload, opened.task);
    } catch (error) {
      if (opened.suspensions.length === 0) throw error;
    } finally {
      await opened.close();
    }
    return opened.suspensions.length === 0
      ? { kind: "done" }
      : { kind: "suspended", suspensions: opened.suspensions };
  } catch (error) {
    if (error instanceof LeaseLostError) return { kind: "lost" };
    if (signal.aborted) return outcomeOfAbort(signal);
    if (error instanceof DatabaseAwayError) return { kind: "interrupted" };
    const delayMillis = retryDelayMillis(error, { attempt: claimed.attempt, maxAttempts: kind.maxAttempts });
    return delayMillis === null ? { kind: "failed", error } : { kind: "repeated", delayMillis, error };
  }
}

function outcomeOfAbort(signal: AbortSignal): Outcome {
  if (isLost(signal)) return { kind: "lost" };
  const cancelled = signal.reason instanceof RunAbortedError && signal.reason.why === "cancelled";
  return { kind: cancelled ? "cancelled" : "interrupted" };
}

async function write<Ctx extends { readonly db: Database }>(
  task: Assignment<Ctx>,
  payload: Payload,
  outcome: Exclude<Outcome, { readonly kind: "lost" }>,
): Promise<void> {
  const { db, claimed, kind } = task;
  switch (outcome.kind) {
    case "done":
      return kind.everyMillis === undefined
        ? task.endDone(claimed)
        : renewTask(db, claimed, { delayMillis: kind.everyMillis, error: null });
    case "suspended":
      return suspend(db, claimed, outcome.suspensions);
    case "interrupted":
      return giveBackTask(db, claimed);
    case "repeated":
      return repeatTask(db, claimed, {
        delayMillis: outcome.delayMillis,
        attempt: claimed.attempt + 1,
        error: messageOf(outcome.error),
      });
    case "failed":
      return kind.everyMillis === undefined
        ? endOtherwise(task, payload, { state: "failed", error: messageOf(outcome.error) })
        : renewTask(db, claimed, { delayMillis: kind.everyMillis, error: messageOf(outcome.error) });
    case "cancelled":
      return endOtherwise(task, payload, { state: "cancelled", error: "Cancelled" });
  }
}

/** Of several at once the first sleep counts; a wait beside it begins when the run goes on. */
function suspend(db: Database, claimed: ClaimedTask, suspensions: readonly Suspension[]): Promise<void> {
  const moments = suspensions.map((each) => each.wakeAtMillis).filter((moment) => moment !== null);
  if (moments.length > 0) return sleepTask(db, claimed, Math.min(...moments));
  return parkTask(
    db,
    claimed,
    suspensions.map((each) => each.signalName).filter((name) => name !== null),
  );
}

/** The task's row is written last, as everywhere, so that transactions lock in one order. */
const endOtherwise = <Ctx extends { readonly db: Database }>(
  { db, claimed, kind, contextFor }: Assignment<Ctx>,
  payload: Payload,
  end: TaskEnd,
): Promise<void> =>
  runTransaction(db, async (tx) => {
    if ("value" in payload && kind.everyMillis === undefined)
      await kind.onEnd?.({ ...contextFor(), db: tx }, payload.value, end);
    await endTask(tx, claimed, end);
  });
