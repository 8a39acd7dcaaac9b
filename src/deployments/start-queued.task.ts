import { setTimeout as pause } from "node:timers/promises";
import { type Context, inTransaction } from "../context.ts";
import { lockEnvironment } from "../environments/environment-store.ts";
import { defineTask } from "../tasks/task.ts";
import { startNext } from "./start-next.ts";
import { QueuePayload, START_QUEUED } from "./start-queued-request.ts";

const LONGEST_PAUSE_MILLIS = 5_000;

/** Lets whatever waits in an environment have its turn: a gate has opened, or may have. */
export const startQueued = defineTask<QueuePayload, Context>({
  name: START_QUEUED.kind,
  version: START_QUEUED.version,
  payload: QueuePayload,
  maxAttempts: 20,
  concurrency: 8,
  run: async (ctx, { environmentId, atMillis, after }, task) => {
    // Due by the database's clock; gates are looked at by ours, which may be behind it.
    let now = ctx.now();
    for (; atMillis !== null && now.getTime() < atMillis; now = ctx.now()) {
      const early = atMillis - now.getTime();
      await pause(Math.min(early, LONGEST_PAUSE_MILLIS), undefined, { signal: task.signal });
    }
    // A clock that is set back just now must not have it look before its moment: nobody would look again.
    const at: Context = { ...ctx, now: () => now };
    await inTransaction(at, async (tx) => startNext(tx, await lockEnvironment(tx.db, environmentId), after));
  },
});
