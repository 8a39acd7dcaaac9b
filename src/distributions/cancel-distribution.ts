import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { requestCancel } from "../tasks/task-queue.ts";
import { isRunning, OPEN_STEPS } from "./distribution.ts";
import { findDistributionOf, moveDistribution, moveSteps } from "./distribution-store.ts";

/** Stops the copy of a content that is being deleted, in the caller's transaction. One that ended is left alone. */
export async function cancelDistribution(tx: Context, contentId: string): Promise<void> {
  const distribution = await findDistributionOf(tx.db, contentId);
  if (!distribution || !isRunning(distribution.status)) return;
  const now = tx.now();
  const change = { status: "cancelled", ended_at: now.getTime() } as const;
  if (!(await moveDistribution(tx.db, distribution.id, ["creating", "retrying"], change))) return;
  const stopped = { status: "cancelled", error: "the version was deleted" } as const;
  await moveSteps(tx.db, distribution.id, OPEN_STEPS, stopped, now);
  // The task's row last, as in the task's own transactions.
  await requestCancel(tx.db, now, distribution.taskId);
  await recordEvent(tx, {
    kind: "distribution.cancelled",
    projectId: distribution.projectId,
    subjectId: distribution.id,
  });
}
