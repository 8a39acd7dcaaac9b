import type { Context } from "../context.ts";
import { hasten } from "../tasks/task-queue.ts";
import { changeRun, type RunEntry } from "./workflow-run-store.ts";
import { RunLedgerState } from "./workflow-run.ts";

/** Has an entry looked at now instead of later, in the caller's transaction; the task's row last, as everywhere. */
export const wakeRun = (tx: Context, run: Pick<RunEntry, "taskId">): Promise<void> =>
  hasten(tx.db, run.taskId);

/** Asks for the end of a run, in the caller's transaction; asked twice is asked once. */
export async function askToCancel(tx: Context, run: RunEntry): Promise<void> {
  if (run.cancelAskedAt === null)
    await changeRun(tx.db, run.id, RunLedgerState.options, { cancelAskedAt: tx.now() });
  await wakeRun(tx, run);
}
