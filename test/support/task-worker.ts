import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import * as z from "zod";
import { type Database, openDatabase } from "../../src/storage/database.ts";
import { startTaskRunner } from "../../src/tasks/task-runner.ts";
import { defineTask } from "../../src/tasks/task.ts";

/*
 * A process that carries out tasks until it is killed: the part that dies, hangs or freezes in the journeys.
 * It appends what it does to the file `log` in its directory, one word group a line.
 */

/** How a worker is started: the first argument, as JSON. */
export const WorkerOptions = z.object({
  database: z.union([
    z.object({ kind: z.literal("embedded"), directory: z.string() }),
    z.object({ kind: z.literal("postgres"), url: z.string() }),
  ]),
  /** Where `log` is written, and where a worker that stalls looks for the file `go`. */
  directory: z.string(),
  leaseMillis: z.number(),
  stepMillis: z.number(),
  /** Every step waits for the file `go`, for ever if need be. */
  stalls: z.boolean(),
});
export type WorkerOptions = z.output<typeof WorkerOptions>;

interface Ctx {
  readonly db: Database;
}

/** A task of so many steps, each of which leaves a row of each worker that committed it. */
const countingKind = (options: WorkerOptions) =>
  defineTask<{ steps: number }, Ctx>({
    name: "counting",
    version: 1,
    payload: z.object({ steps: z.number() }),
    maxAttempts: 1,
    concurrency: 8,
    run: async (_ctx, { steps }, task) => {
      const tell = (...words: (string | number)[]) =>
        appendFileSync(join(options.directory, "log"), `${words.join(" ")}\n`);
      for (let step = 0; step < steps; step += 1) {
        const name = `${task.id}/${step}`;
        let carriedOut = false;
        await task
          .step(
            `step ${step}`,
            async () => {
              tell("begun", name, process.pid, Date.now());
              await pause(options.stepMillis);
              while (options.stalls && !existsSync(join(options.directory, "go"))) await pause(10);
              carriedOut = true;
              return process.pid;
            },
            async (tx, pid) => {
              await tx
                .insertInto("settings")
                .values({ name: `${name} by ${pid}`, value: String(pid) })
                .execute();
            },
          )
          .catch((error: unknown) => {
            tell("refused", name, process.pid, error instanceof Error ? error.name : "?");
            throw error;
          });
        if (carriedOut) tell("finished", name, process.pid);
      }
    },
  });

async function work(options: WorkerOptions): Promise<void> {
  const { db } = await openDatabase(options.database);
  startTaskRunner<Ctx>({
    db,
    contextFor: () => ({ db }),
    kinds: [countingKind(options)],
    log: pino({ level: "silent" }),
    leaseMillis: options.leaseMillis,
    pollMillis: 100,
  });
}

if (process.argv[1] === import.meta.filename)
  await work(WorkerOptions.parse(JSON.parse(process.argv[2] ?? "")));
