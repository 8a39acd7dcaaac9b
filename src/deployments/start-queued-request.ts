import * as z from "zod";
import type { Context } from "../context.ts";
import { Id } from "../kernel/id.ts";
import { enqueue } from "../tasks/task-queue.ts";

/** The durable task that lets whatever waits in an environment have its turn. */
export const START_QUEUED = { kind: "start-queued", version: 1 };

export const QueuePayload = z.object({
  environmentId: Id,
  /** The moment at which a gate opens, in epoch milliseconds by the clock of whoever looks; null: at once. */
  atMillis: z.int().nullable(),
  /** Up to the deployment of this number all have been looked at. */
  after: z.int().default(0),
});
export type QueuePayload = z.output<typeof QueuePayload>;

/** Asks for a look at an environment's queue once this is committed, in the caller's transaction. */
export async function lookAgain(tx: Context, environmentId: string, after = 0): Promise<void> {
  const payload: QueuePayload = { environmentId, atMillis: null, after };
  await enqueue(tx.db, tx.now(), { ...START_QUEUED, payload });
}

/** The same at a moment, when a gate opens. Asked for twice it is one look. */
export async function lookAgainAt(tx: Context, environmentId: string, at: Date): Promise<void> {
  const payload: QueuePayload = { environmentId, atMillis: at.getTime(), after: 0 };
  const key = `${START_QUEUED.kind}:${environmentId}:${at.getTime()}`;
  await enqueue(tx.db, tx.now(), { ...START_QUEUED, payload, key, runAt: at });
}
