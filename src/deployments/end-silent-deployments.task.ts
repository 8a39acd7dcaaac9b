import { type Context, inTransaction } from "../context.ts";
import { lockEnvironment } from "../environments/environment-store.ts";
import { defineRecurringTask } from "../tasks/schedule.ts";
import { findDeployment } from "./deployment-store.ts";
import { moveOn } from "./move-on.ts";
import { listSilent } from "./silent-store.ts";

const MINUTE_MILLIS = 60_000;
const BATCH = 100;

/**
 * Ends, every minute, what was reported to be under way and of which nothing was heard since for the environment's time limit:
 * nothing else would ever start there. What a run of ours drives has its own watch.
 */
export const endSilentDeployments = defineRecurringTask<Context>({
  name: "deployments.end-silent",
  everyMillis: MINUTE_MILLIS,
  run: async (ctx, task) => {
    for (const { number, environmentId } of await listSilent(ctx.db, ctx.now(), {
      number: null,
      limit: BATCH,
    })) {
      task.signal.throwIfAborted();
      await inTransaction(ctx, (tx) => endSilent(tx, number, environmentId));
    }
  },
});

async function endSilent(tx: Context, number: number, environmentId: string): Promise<void> {
  const environment = await lockEnvironment(tx.db, environmentId);
  const [still] = await listSilent(tx.db, tx.now(), { number, limit: 1 });
  const deployment = still ? await findDeployment(tx.db, number) : null;
  if (!deployment) return;
  const message = `no sign of life for ${environment.timeLimitMinutes} minutes`;
  await moveOn(tx, environment, deployment, { status: "error", source: "headgate", message });
}
