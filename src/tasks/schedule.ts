import * as z from "zod";
import type { Database } from "../storage/database.ts";
import { type TaskKind, type TaskRun, defineTask } from "./task.ts";
import { enqueue } from "./task-queue.ts";

/*
 * Recurring work of the program itself. One task of each recurring kind always exists: a runner adds it at its
 * start under the kind's own key, and the write that ends a run makes the same row ready again, `everyMillis`
 * later. A run that failed for good is the same: its error stays on the row until the next one ends.
 */

/** A kind that runs every so often, one at a time whatever the number of processes. `run` must bear repetition. */
export const defineRecurringTask = <Ctx>(recurring: {
  readonly name: string;
  readonly everyMillis: number;
  run(ctx: Ctx, task: TaskRun): Promise<void>;
}): TaskKind<unknown, Ctx> =>
  defineTask<unknown, Ctx>({
    name: recurring.name,
    everyMillis: recurring.everyMillis,
    // One for ever: the row of an older one would hold the key.
    version: 1,
    payload: z.unknown(),
    maxAttempts: 3,
    concurrency: 1,
    run: (ctx, _payload, task) => recurring.run(ctx, task),
  });

/** Adds the task of each recurring kind that is not there yet. */
export async function enqueueRecurring<Ctx>(
  db: Database,
  now: Date,
  kinds: readonly TaskKind<unknown, Ctx>[],
): Promise<void> {
  for (const { name, version, everyMillis } of kinds)
    if (everyMillis !== undefined)
      await enqueue(db, now, { kind: name, version, payload: null, key: `every:${name}` });
}
