import { newId } from "../kernel/id.ts";
import type { Database } from "../storage/database.ts";
import { wakeUp } from "../storage/wake-up.ts";
import type { TaskRequest } from "./task.ts";
import { findLiveTask, hastenTask, insertSignal, insertTask, markCancelled, wakeTask } from "./task-store.ts";

/** The wake-up channels that runners listen on: something may be due; something is to be cancelled. */
export const TASKS_CHANNEL = "tasks";
export const CANCELS_CHANNEL = "task-cancels";

/** How often to look again when a task of the same key ends between two statements. */
const KEY_ATTEMPTS = 5;

/**
 * Asks for a task, in the caller's transaction when `db` is one; returns its id.
 * While a task of the same key is under way, that one's id comes back and nothing is added.
 */
export async function enqueue(db: Database, now: Date, request: TaskRequest): Promise<string> {
  for (let attempt = 0; attempt < KEY_ATTEMPTS; attempt += 1) {
    const id = newId(now);
    if (await insertTask(db, { id, now, request })) {
      wakeUp(db, TASKS_CHANNEL);
      return id;
    }
    const live = await findLiveTask(db, request.key ?? "");
    if (live !== null) return live;
  }
  throw new Error(`The task ${request.kind} could not be added: its key ${request.key} keeps changing hands`);
}

/**
 * Asks that a task be cancelled: a runner ends it as cancelled, at once when it is ready or waiting, else after its
 * run has stopped. False when there is no such task or it has ended.
 */
export async function requestCancel(db: Database, now: Date, taskId: string): Promise<boolean> {
  const live = await markCancelled(db, taskId, now);
  if (live) wakeUp(db, CANCELS_CHANNEL);
  return live;
}

/**
 * Sends a task a signal, whether it waits for it yet or not. The first one of a name stays; later ones are
 * dropped. False when there is no such task or it has ended.
 */
export async function sendSignal(
  db: Database,
  now: Date,
  taskId: string,
  name: string,
  payload: unknown,
): Promise<boolean> {
  // The row is locked before the signal is written: see the machine in task-store.ts.
  if (!(await wakeTask(db, taskId))) return false;
  await insertSignal(db, { taskId, name, payload, now });
  wakeUp(db, TASKS_CHANNEL);
  return true;
}

/** Has a task go on now that sleeps, waits or rests after a failure; in the caller's transaction when `db` is one. */
export async function hasten(db: Database, taskId: string): Promise<void> {
  await hastenTask(db, taskId);
  wakeUp(db, TASKS_CHANNEL);
}
