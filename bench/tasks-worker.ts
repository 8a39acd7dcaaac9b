import { pino } from "pino";
import * as z from "zod";
import { type Database, type DatabaseOptions, openDatabase } from "../src/storage/database.ts";
import { migrate } from "../src/storage/migrate.ts";
import { runTransaction } from "../src/storage/transaction.ts";
import { enqueue } from "../src/tasks/task-queue.ts";
import { startTaskRunner } from "../src/tasks/task-runner.ts";
import { defineTask } from "../src/tasks/task.ts";

/*
 * A process with a task runner: tasks-stage.ts starts several. It tells its parent how late each task began.
 */

/** How a worker is started: the first argument, as JSON. */
export interface WorkerStart {
  readonly database: DatabaseOptions;
  readonly concurrency: number;
}

/** From the parent: ask for tasks that are due at these moments (epoch ms), say how many are not done, or end. */
export type Order = { readonly dueAt: readonly number[] } | "count" | "end";

/** To the parent. */
export type News =
  | { readonly is: "ready" | "asked" }
  | { readonly is: "counted"; readonly notDone: number }
  | { readonly is: "begun"; readonly runs: readonly BegunRun[] };

export interface BegunRun {
  readonly task: string;
  readonly lateMillis: number;
}

const ASKED_IN_TRANSACTION = 500;
const NEWS_EVERY_MILLIS = 200;

interface Ctx {
  readonly db: Database;
}

const tell = (news: News): void => void process.send?.(news);

/**
 * The kind's code does nothing but tell: what is measured is the engine. The database is on this machine, so this
 * process's clock is its clock.
 */
const timedKind = (concurrency: number, begun: (run: BegunRun) => void) =>
  defineTask<{ dueAt: number }, Ctx>({
    name: "timed",
    version: 1,
    payload: z.object({ dueAt: z.number() }),
    maxAttempts: 1,
    concurrency,
    run: async (_ctx, { dueAt }, task) => begun({ task: task.id, lateMillis: Date.now() - dueAt }),
  });

async function ask(db: Database, dueAt: readonly number[]): Promise<void> {
  for (let from = 0; from < dueAt.length; from += ASKED_IN_TRANSACTION)
    await runTransaction(db, async (tx) => {
      for (const moment of dueAt.slice(from, from + ASKED_IN_TRANSACTION)) {
        const payload = { dueAt: moment };
        await enqueue(tx, new Date(), { kind: "timed", version: 1, payload, runAt: new Date(moment) });
      }
    });
}

async function countNotDone(db: Database): Promise<number> {
  const row = await db
    .selectFrom("tasks")
    .select((count) => count.fn.countAll<number>().as("count"))
    .where("state", "!=", "done")
    .executeTakeFirstOrThrow();
  return row.count;
}

async function work({ database, concurrency }: WorkerStart): Promise<void> {
  const { db, close } = await openDatabase(database);
  await migrate(db);
  let runs: BegunRun[] = [];
  const news = setInterval(() => {
    if (runs.length > 0) tell({ is: "begun", runs });
    runs = [];
  }, NEWS_EVERY_MILLIS);
  const runner = startTaskRunner<Ctx>({
    db,
    contextFor: () => ({ db }),
    kinds: [timedKind(concurrency, (run) => runs.push(run))],
    log: pino({ level: "warn" }),
  });
  async function obey(order: Order): Promise<void> {
    if (order === "count") tell({ is: "counted", notDone: await countNotDone(db) });
    else if (order === "end") {
      await runner.stop();
      clearInterval(news);
      await close();
      process.disconnect();
    } else {
      await ask(db, order.dueAt);
      tell({ is: "asked" });
    }
  }
  process.on("message", (order: Order) => void obey(order));
  tell({ is: "ready" });
}

await work(JSON.parse(process.argv[2] ?? "") as WorkerStart);
