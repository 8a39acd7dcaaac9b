import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { newId } from "../kernel/id.ts";
import type { FullContent } from "../releases/release-content.ts";
import { enqueue } from "../tasks/task-queue.ts";
import { copyRequest } from "./copy-request.ts";
import { type Distribution, type DistributionStep, type FullDistribution } from "./distribution.ts";
import { insertDistribution } from "./distribution-store.ts";

/** Records the copy of a content and asks for its work, in the caller's transaction. */
export async function startDistribution(tx: Context, content: FullContent): Promise<FullDistribution> {
  const now = tx.now();
  const id = newId(now);
  const taskId = await enqueue(tx.db, now, copyRequest({ contentId: content.id, distributionId: id }, 1));
  const distribution: Distribution = {
    id,
    contentId: content.id,
    projectId: content.projectId,
    status: "creating",
    error: "",
    attempt: 1,
    taskId,
    totalBytes: 0,
    verifiedBytes: 0,
    createdAt: now,
    endedAt: null,
  };
  const steps = content.items.map((item): DistributionStep => ({
    itemId: item.id,
    status: item.push ? "waiting" : "not_needed",
    error: "",
    verifiedDigest: null,
  }));
  const full: FullDistribution = { ...distribution, steps };
  await insertDistribution(tx.db, full);
  await recordEvent(tx, {
    kind: "distribution.started",
    projectId: content.projectId,
    subjectId: id,
    after: distribution,
  });
  return full;
}
