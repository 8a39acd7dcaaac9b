import { type Compilable, type RawBuilder, sql } from "kysely";
import { batchIf, batchThenIf } from "../storage/batch.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import { nowOf } from "./database-clock.ts";
import type { Lease } from "./lease-store.ts";
import { clearSteps, insertSteps, type StepToLog } from "./step-store.ts";
import type { TaskEnd } from "./task.ts";

/*
 * What a run writes: always on the condition that its lease still holds, in one hop and one commit.
 */

/** The run's lease is gone: the task belongs to another run, or to nobody. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
  constructor(lease: Lease) {
    super(`The lease of task ${lease.taskId} is lost; nothing was written`);
  }
}

/** Locks the task's row and throws LeaseLostError unless the lease still holds. Comes last in a transaction. */
export const holdLease = (db: Database, lease: Lease): Promise<void> =>
  writeAsRunning(db, lease, [{ lost_runs: 0 }]);

export const writeProgress = (db: Database, lease: Lease, progressJson: string): Promise<void> =>
  writeAsRunning(db, lease, [{ progress_json: progressJson }]);

/** Adds a step to the log, if the lease still holds. Throws LeaseLostError. */
export const recordStep = (db: Database, lease: Lease, step: StepToLog): Promise<void> =>
  writeAsRunning(db, lease, [{ lost_runs: 0 }, insertSteps(db, lease.taskId, [step])]);

/** Adds steps to the log together with other writes, if the lease still holds. Throws LeaseLostError. */
export async function recordSteps(
  db: Database,
  lease: Lease,
  steps: readonly StepToLog[],
  writes: readonly Compilable[],
): Promise<void> {
  const all = [...writes, insertSteps(db, lease.taskId, steps)];
  if ((await batchThenIf(db, all, changeAsRunning(db, lease, { lost_runs: 0 }))) === null)
    throw new LeaseLostError(lease);
}

const FREE = { lease_owner: null, leased_until: null, lost_runs: 0 } as const;

/** Ends a run otherwise than by success. Throws LeaseLostError. */
export const endTask = (db: Database, lease: Lease, end: TaskEnd): Promise<void> =>
  writeAsRunning(db, lease, [{ ...FREE, ...end, ended_at: nowOf(db) }]);

/** Ends runs by success, in one statement. Returns the fences by task id; a lease that is missing there is lost. */
export async function endDone(db: Database, leases: readonly Lease[]): Promise<ReadonlyMap<string, number>> {
  const held = leases.map(({ taskId, fence }) => sql`(${taskId}, cast(${fence} as bigint))`);
  const { rows } = await sql<{ id: string; fence: number }>`
    update tasks set state = 'done', error = null, ended_at = ${nowOf(db)}, lease_owner = null, leased_until = null,
      lost_runs = 0
    where state = 'running' and (id, fence) in (values ${sql.join(held)}) returning id, fence
  `.execute(db);
  return new Map(rows.map(({ id, fence }) => [id, fence]));
}

/** Ends a run that was interrupted and goes on at once. Throws LeaseLostError. */
export const giveBackTask = (db: Database, lease: Lease): Promise<void> =>
  writeAsRunning(db, lease, [{ ...FREE, state: "ready" }]);

/** Ends a run that goes on at this moment, or at once when it was hastened since its claim. Throws LeaseLostError. */
export const sleepTask = (
  db: Database,
  lease: Lease & { readonly claimedAtMillis: number },
  wakeAtMillis: number,
): Promise<void> => {
  // What is claimed was due: a later moment came after the claim.
  const run_at = sql<number>`case when run_at > ${lease.claimedAtMillis} then run_at
    else cast(${wakeAtMillis} as bigint) end`;
  return writeAsRunning(db, lease, [{ ...FREE, state: "ready", run_at }]);
};

/** Ends a run that goes on when one of these signals comes, or a cancellation. Throws LeaseLostError. */
export const parkTask = (db: Database, lease: Lease, signalNames: readonly string[]): Promise<void> => {
  const state = sql<string>`case when cancel_requested = 1 then 'ready' else 'waiting' end`;
  const wakeIfSent = db
    .updateTable("tasks")
    .set({ state: "ready", run_at: nowOf(db) })
    .where("id", "=", lease.taskId)
    .where("state", "=", "waiting")
    .where((where) =>
      where.exists(
        where
          .selectFrom("task_signals")
          .select("name")
          .where("task_id", "=", lease.taskId)
          .where("name", "in", [...signalNames]),
      ),
    );
  return writeAsRunning(db, lease, [{ ...FREE, state }, wakeIfSent]);
};

/** Ends a run that is begun again in this time, in milliseconds. Throws LeaseLostError. */
export const repeatTask = (
  db: Database,
  lease: Lease,
  next: { readonly delayMillis: number; readonly attempt: number; readonly error: string | null },
): Promise<void> => {
  const { delayMillis, attempt, error } = next;
  const run_at = sql<number>`${nowOf(db)} + ${delayMillis}`;
  return writeAsRunning(db, lease, [{ ...FREE, state: "ready", run_at, attempt, error }]);
};

/** Ends a run of a recurring task: like `repeatTask`, and steps and signals are forgotten. Throws LeaseLostError. */
export const renewTask = (
  db: Database,
  lease: Lease,
  next: { readonly delayMillis: number; readonly error: string | null },
): Promise<void> => {
  const run_at = sql<number>`${nowOf(db)} + ${next.delayMillis}`;
  return writeAsRunning(db, lease, [
    { ...FREE, state: "ready", run_at, attempt: 1, error: next.error },
    ...clearSteps(db, lease.taskId),
  ]);
};

type TaskRow = Tables["tasks"];
type Change = { readonly [Column in keyof TaskRow]?: TaskRow[Column] | RawBuilder<TaskRow[Column]> };

/** Changes the task's row if the lease still holds. */
const changeAsRunning = (db: Database, lease: Lease, change: Change) =>
  db
    .updateTable("tasks")
    .set(change)
    .where("id", "=", lease.taskId)
    .where("fence", "=", lease.fence)
    .where("state", "=", "running");

/** Changes the row if the lease still holds, and only then runs the other statements; all or nothing. */
async function writeAsRunning(
  db: Database,
  lease: Lease,
  [change, ...others]: readonly [Change, ...Compilable[]],
): Promise<void> {
  const guard = changeAsRunning(db, lease, change);
  if ((await batchIf(db, guard, others)) === null) throw new LeaseLostError(lease);
}
