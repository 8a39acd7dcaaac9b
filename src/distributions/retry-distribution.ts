import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { type ContentInProject, contentToChange } from "../releases/content-to-change.ts";
import { enqueue } from "../tasks/task-queue.ts";
import { copyRequest } from "./copy-request.ts";
import type { FullDistribution } from "./distribution.ts";
import { findDistributionOf, moveDistribution, moveSteps } from "./distribution-store.ts";

/**
 * Does again what a failed distribution of this content lacks: unpinned images are pinned, unverified ones copied.
 * Needs a releaser. Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN, DISTRIBUTION_NOT_FAILED.
 */
export function retryDistribution(ctx: Context, input: ContentInProject): Promise<FullDistribution> {
  return inTransaction(ctx, async (tx) => {
    const content = await contentToChange(tx, input, "releaser");
    const before = await load(tx, content.id);
    const now = tx.now();
    const attempt = before.attempt + 1;
    const payload = { contentId: content.id, distributionId: before.id };
    const taskId = await enqueue(tx.db, now, copyRequest(payload, attempt));
    const change = { status: "retrying", error: "", attempt, task_id: taskId, ended_at: null } as const;
    if (!(await moveDistribution(tx.db, before.id, ["failed"], change))) {
      // Read again: another retry may have won meanwhile.
      const { status } = await load(tx, content.id);
      throw new DomainError("DISTRIBUTION_NOT_FAILED", `can't reCreate version with status:${status}`);
    }
    await moveSteps(tx.db, before.id, ["failed"], { status: "waiting", error: "" }, now);
    const after = await load(tx, content.id);
    await recordEvent(tx, {
      kind: "distribution.retried",
      projectId: content.projectId,
      subjectId: before.id,
      before: { status: before.status, attempt: before.attempt },
      after: { status: after.status, attempt: after.attempt },
    });
    return after;
  });
}

async function load(tx: Context, contentId: string): Promise<FullDistribution> {
  const distribution = await findDistributionOf(tx.db, contentId);
  if (!distribution) throw new DomainError("DISTRIBUTION_NOT_FOUND");
  return distribution;
}
