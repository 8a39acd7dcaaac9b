import type { Context } from "../context.ts";
import { isDomainError } from "../kernel/errors.ts";
import { defineTask } from "../tasks/task.ts";
import { endRun } from "./end-run.ts";
import { lookAtRun } from "./look-at-run.ts";
import { openProvider } from "./open-provider.ts";
import { CARRY_OUT_RUN, RunPayload } from "./request-run.ts";
import { loadRun, type RunLook } from "./run-look.ts";
import { isOver } from "./workflow-run.ts";
import { findRun } from "./workflow-run-store.ts";

/**
 * Carries out an entry of the ledger: starts it, finds its run, follows it to its end. All that counts is in the entry, so the
 * task only looks, and sleeps until the next look; whoever wants one earlier wakes it.
 */
export const carryOutRun = defineTask<RunPayload, Context>({
  name: CARRY_OUT_RUN.kind,
  version: CARRY_OUT_RUN.version,
  payload: RunPayload,
  maxAttempts: 100,
  concurrency: 32,
  async run(ctx, { runId }, task) {
    for (;;) {
      const look = await loadRun(ctx, runId, task);
      if (!look || isOver(look.run.state)) return;
      const next = await lookOnce(ctx, look);
      if (next === null) return;
      const pauseMillis = next.getTime() - ctx.now().getTime();
      // Our clock said when; the task rests by the database's. A wake meanwhile counts: see hasten.
      if (pauseMillis > 0) await task.beginAgainIn(pauseMillis);
    }
  },
  onEnd: async (tx, { runId }, end) => {
    const run = await findRun(tx.db, runId);
    if (run && !isOver(run.state)) await endRun(tx, run, "error", end.error);
  },
});

/** A provider that cannot be opened any more ends the entry: nobody could follow it. */
async function lookOnce(ctx: Context, look: RunLook): Promise<Date | null> {
  try {
    return await lookAtRun(look, await openProvider(ctx, look.run));
  } catch (error) {
    if (!isDomainError(error, "UNAVAILABLE", "CONNECTION_NOT_FOUND")) throw error;
    await look.commit((tx) => endRun(tx, look.run, "error", error.message));
    return null;
  }
}
