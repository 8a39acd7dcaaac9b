import { sql } from "kysely";
import type { Database } from "../storage/database.ts";
import { nowOf } from "./database-clock.ts";
import type { TaskRequest } from "./task.ts";

/*
 * A task is in one of six states; only the stores of this folder change them.
 *   ready      to be run at run_at or later. → running by a claim.
 *   running    leased by one runner until leased_until. → done, failed, cancelled when it ends; → ready when it
 *              sleeps, is repeated (a recurring one after every end), is given back, or its lease runs out;
 *              → waiting when it waits for a signal.
 *   waiting    nothing is to be done until a signal or a cancellation comes. → ready by either.
 *   A cancellation only marks the row: a ready one is then claimed just to be ended, a running one is told.
 *   done, failed, cancelled   for ever, until the sweep removes the row.
 * Always: every claim raises `fence`; whatever a run writes holds only while the row is running with the run's own
 * fence, so that a runner that was thought dead can write nothing. Leases and due times are judged by the
 * database's clock. Whoever locks a task's row and reads its signals locks first, so no signal is overlooked.
 */

const LIVE = ["ready", "running", "waiting"] as const;

/** Adds a ready task. False when its key is taken by a live one. */
export async function insertTask(
  db: Database,
  task: { readonly id: string; readonly now: Date; readonly request: TaskRequest },
): Promise<boolean> {
  const { request } = task;
  const result = await db
    .insertInto("tasks")
    .values({
      id: task.id,
      kind: request.kind,
      version: request.version,
      payload_json: JSON.stringify(request.payload ?? null),
      key: request.key ?? null,
      state: "ready",
      run_at: request.runAt?.getTime() ?? nowOf(db),
      attempt: 1,
      lost_runs: 0,
      lease_owner: null,
      fence: 0,
      leased_until: null,
      cancel_requested: 0,
      progress_json: null,
      error: null,
      created_at: task.now.getTime(),
      ended_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** The id of the task of this key that has not ended. */
export async function findLiveTask(db: Database, key: string): Promise<string | null> {
  const row = await db
    .selectFrom("tasks")
    .select("id")
    .where("key", "=", key)
    // In so many words, else SQLite does not see that the index of live keys serves.
    .where(sql<boolean>`state in ('ready', 'running', 'waiting')`)
    .executeTakeFirst();
  return row?.id ?? null;
}

/** Marks a live task as to be cancelled; unless it runs, its end is due now. False when there is none. */
export async function markCancelled(db: Database, taskId: string, now: Date): Promise<boolean> {
  const result = await db
    .updateTable("tasks")
    .set({
      cancel_requested: 1,
      run_at: sql`case when state = 'running' then run_at else ${now.getTime()} end`,
      state: sql`case when state = 'waiting' then 'ready' else state end`,
    })
    .where("id", "=", taskId)
    .where("state", "in", LIVE)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Makes a task that waits ready and locks the row of any live one. False when there is none. */
export async function wakeTask(db: Database, taskId: string): Promise<boolean> {
  const result = await db
    .updateTable("tasks")
    .set({
      run_at: sql`case when state = 'waiting' then ${nowOf(db)} else run_at end`,
      state: sql`case when state = 'waiting' then 'ready' else state end`,
    })
    .where("id", "=", taskId)
    .where("state", "in", LIVE)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Makes a task due now that sleeps or waits, or is to be tried again later. One that runs does not sleep when it comes to it. */
export async function hastenTask(db: Database, taskId: string): Promise<void> {
  await db
    .updateTable("tasks")
    .set({
      // Later than its claim, also when that was in the same millisecond.
      run_at: sql`case when state = 'running' then ${nowOf(db)} + 1 else ${nowOf(db)} end`,
      state: sql`case when state = 'waiting' then 'ready' else state end`,
    })
    .where("id", "=", taskId)
    .where("state", "in", LIVE)
    .execute();
}

/** Keeps a signal unless one of its name is there. */
export async function insertSignal(
  db: Database,
  signal: { readonly taskId: string; readonly name: string; readonly payload: unknown; readonly now: Date },
): Promise<void> {
  await db
    .insertInto("task_signals")
    .values({
      task_id: signal.taskId,
      name: signal.name,
      payload_json: JSON.stringify(signal.payload ?? null),
      sent_at: signal.now.getTime(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
