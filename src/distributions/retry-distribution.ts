import { maySee, requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import { findContent } from "../releases/release-content-store.ts";
import { enqueue } from "../tasks/task-queue.ts";
import { copyRequest } from "./copy-request.ts";
import type { FullDistribution } from "./distribution.ts";
import { findDistributionOf, moveDistribution, moveSteps } from "./distribution-store.ts";

/**
 * Does again what a failed distribution of this content lacks: unpinned images are pinned, unverified ones copied.
 * Needs a releaser. Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN, DISTRIBUTION_NOT_FAILED.
 */
export function retryDistribution(
  ctx: Context,
  input: {
    readonly contentId: string;
    /** When given, a content of another project is unknown. */ readonly projectKey: string | null;
  },
): Promise<FullDistribution> {
  return inTransaction(ctx, async (tx) => {
    const project = input.projectKey === null ? null : await getProject(tx, input.projectKey);
    const content = await findContent(tx.db, input.contentId);
    const elsewhere = project !== null && content?.projectId !== project.id;
    if (!content || elsewhere || !maySee(tx, content.projectId))
      throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${input.contentId}`);
    requireRole(tx, content.projectId, "releaser");
    const before = await findDistributionOf(tx.db, content.id);
    if (!before) throw new DomainError("DISTRIBUTION_NOT_FOUND");
    const now = tx.now();
    const attempt = before.attempt + 1;
    const payload = { contentId: content.id, distributionId: before.id };
    const taskId = await enqueue(tx.db, now, copyRequest(payload, attempt));
    const change = { status: "retrying", error: "", attempt, task_id: taskId, ended_at: null };
    if (!(await moveDistribution(tx.db, before.id, ["failed"], change)))
      throw new DomainError("DISTRIBUTION_NOT_FAILED", `can't reCreate version with status:${before.status}`);
    await moveSteps(tx.db, before.id, ["failed"], { status: "waiting", error: "" }, now);
    const after = await findDistributionOf(tx.db, content.id);
    if (!after) throw new DomainError("DISTRIBUTION_NOT_FOUND");
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
