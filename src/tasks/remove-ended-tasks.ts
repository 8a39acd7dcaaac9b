import type { Database } from "../storage/database.ts";
import { defineRecurringTask } from "./schedule.ts";

const HOUR_MILLIS = 3_600_000;
const KEPT_MILLIS = 7 * 24 * HOUR_MILLIS;
/** Rows in one commit, so that nobody waits long for the writer. */
const BATCH = 500;

/** Removes, every hour, what ended more than 7 days ago, with its steps and signals. */
export const removeEndedTasks = defineRecurringTask<{ readonly db: Database; readonly now: () => Date }>({
  name: "tasks.remove-ended",
  everyMillis: HOUR_MILLIS,
  run: async (ctx, task) => {
    const before = ctx.now().getTime() - KEPT_MILLIS;
    while ((await removeSome(ctx.db, before)) === BATCH) task.signal.throwIfAborted();
  },
});

async function removeSome(db: Database, endedBefore: number): Promise<number> {
  const result = await db
    .deleteFrom("tasks")
    .where("id", "in", (tasks) =>
      tasks.selectFrom("tasks").select("id").where("ended_at", "<", endedBefore).limit(BATCH),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
