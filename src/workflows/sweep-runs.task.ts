import type { Context } from "../context.ts";
import { defineRecurringTask } from "../tasks/schedule.ts";

const DAY_MILLIS = 24 * 60 * 60 * 1000;

/** Every day: removes what is kept of programs that ended long ago. */
export const sweepRunsTask = defineRecurringTask<Context>({
  name: "sweep-runs",
  everyMillis: DAY_MILLIS,
  async run(ctx) {
    const removed = await ctx.connectors.ciProviders.removeOldRuns(ctx.now());
    if (removed > 0) ctx.log.info({ removed }, "removed what was kept of old runs");
  },
});
