import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { lookAgainEverywhere } from "../deployments/look-again-everywhere.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import { listItems } from "../releases/release-item-store.ts";
import { type FullDistribution, OPEN_STEPS } from "./distribution.ts";
import { findDistribution, moveDistribution, moveSteps } from "./distribution-store.ts";

/** Ends a distribution after all its items were tried, in the caller's transaction: success only if all are verified. */
export async function finishDistribution(tx: Context, id: string): Promise<void> {
  const distribution = await findDistribution(tx.db, id);
  if (!distribution) return;
  const missing = distribution.steps.filter(
    (step) => step.status !== "verified" && step.status !== "not_needed",
  );
  if (missing.length === 0) return end(tx, distribution, "success", "");
  const items = await listItems(tx.db, distribution.contentId);
  const first = missing[0];
  const item = items.find((one) => one.id === first?.itemId);
  const pushed = distribution.steps.filter((step) => step.status !== "not_needed").length;
  const text = `${missing.length} of ${pushed} images failed; ${nameOf(item)}: ${first?.error ?? ""}`;
  return end(tx, distribution, "failed", text);
}

/** Ends a distribution whose work as a whole could not go on, in the caller's transaction. */
export async function failDistribution(tx: Context, id: string, reason: string): Promise<void> {
  const error = `The copy could not go on, and can be retried: ${reason}`;
  const distribution = await findDistribution(tx.db, id);
  if (!distribution) return;
  await moveSteps(tx.db, id, OPEN_STEPS, { status: "failed", error }, tx.now());
  await end(tx, distribution, "failed", error);
}

const nameOf = (item: ReleaseItem | undefined): string =>
  item ? `${item.serviceName}/${item.containerName}` : "an image";

async function end(
  tx: Context,
  distribution: FullDistribution,
  status: "success" | "failed",
  error: string,
): Promise<void> {
  const change = { status, error, ended_at: tx.now().getTime() };
  if (!(await moveDistribution(tx.db, distribution.id, ["creating", "retrying"], change))) return;
  // A candidate's deployment may wait for the images.
  if (status === "success")
    await lookAgainEverywhere(tx, { projectId: distribution.projectId, tier: null, environmentId: null });
  await recordEvent(tx, {
    kind: status === "success" ? "distribution.succeeded" : "distribution.failed",
    projectId: distribution.projectId,
    subjectId: distribution.id,
    after: { status, error, contentId: distribution.contentId },
  });
}
