import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import * as z from "zod";
import { afterEach } from "vitest";
import { ExternalSystemError } from "../../src/kernel/errors.ts";
import type { Database } from "../../src/storage/database.ts";
import type { Tables } from "../../src/storage/tables.ts";
import { type TaskRunner, type TaskRunnerOptions, startTaskRunner } from "../../src/tasks/task-runner.ts";
import { defineTask, type TaskEnd, type TaskKind, type TaskRun } from "../../src/tasks/task.ts";
import type { Engine, TestDatabase } from "./databases.ts";

/** All that the engine itself asks of a context. */
export interface TaskContext {
  readonly db: Database;
}

/**
 * Called in an engine's block: `open` gives one database for the whole block, in which each test finds no tasks and
 * no marks; `start` starts runners, which are stopped after each test.
 */
export function taskRunners(engine: Engine) {
  const started: TaskRunner[] = [];
  let database: TestDatabase | null = null;
  const open = async (): Promise<TestDatabase> => (database ??= await engine.open());
  const start = (
    db: Database,
    kinds: readonly TaskKind<unknown, TaskContext>[],
    overrides: Partial<TaskRunnerOptions<TaskContext>> = {},
  ): TaskRunner => {
    const runner = startTaskRunner<TaskContext>({
      db,
      kinds,
      contextFor: () => ({ db }),
      log: pino({ level: "silent" }),
      leaseMillis: 1_000,
      pollMillis: 100,
      ...overrides,
    });
    started.push(runner);
    return runner;
  };
  afterEach(async () => {
    for (const runner of started.splice(0)) await runner.stop();
    await database?.db.deleteFrom("tasks").execute();
    await database?.db.deleteFrom("settings").execute();
  });
  return { open, start };
}

export const HOUR = 3_600_000;

/** Asks for a task of `plainKind`. */
export const plainRequest = { kind: "plain", version: 1, payload: null };

/** A kind without a payload that does what the test says. */
export const plainKind = (
  run: (task: TaskRun) => Promise<void>,
  onEnd: (ctx: TaskContext, end: TaskEnd) => Promise<void> = async () => {},
): TaskKind<unknown, TaskContext> =>
  defineTask<unknown, TaskContext>({
    name: "plain",
    version: 1,
    payload: z.unknown(),
    maxAttempts: 3,
    concurrency: 4,
    run: (_ctx, _payload, task) => run(task),
    onEnd: (ctx, _payload, end) => onEnd(ctx, end),
  });

/** A failure that is repeated, but not before the test says so (`makeDue`). */
export const repeatLater = (message: string): ExternalSystemError =>
  new ExternalSystemError(message, { system: "the outside", retryable: true, retryAfterMillis: HOUR });

/** An effect in the database, as a kind has it on its own rows; the same one twice is refused. */
export const markOf = (db: Database, name: string) => db.insertInto("settings").values({ name, value: "" });
export const leaveMark = async (db: Database, name: string): Promise<void> => {
  await markOf(db, name).execute();
};
export const readMarks = async (db: Database): Promise<readonly string[]> =>
  (await db.selectFrom("settings").select("name").orderBy("name").execute()).map((row) => row.name);

export const readTask = (db: Database, id: string): Promise<Tables["tasks"]> =>
  db.selectFrom("tasks").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

/** Lets tasks that wait for a moment, a retry say, be due now. */
export const makeDue = async (db: Database, id: string): Promise<void> => {
  await db.updateTable("tasks").set({ run_at: 0 }).where("id", "=", id).execute();
};

/** Waits until the task is in one of these states; a test that waits in vain ends with the runner's time limit. */
export async function reaches(db: Database, id: string, ...states: string[]): Promise<Tables["tasks"]> {
  for (;;) {
    const task = await readTask(db, id);
    if (states.includes(task.state)) return task;
    await pause(10);
  }
}

/** A promise and its key. */
export function latch<T = void>() {
  return Promise.withResolvers<T>();
}
