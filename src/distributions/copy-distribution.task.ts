import type { Context } from "../context.ts";
import { findFullContent } from "../releases/release-content-store.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import { defineTask } from "../tasks/task.ts";
import { copyItems } from "./copy-items.ts";
import { COPY_DISTRIBUTION, CopyPayload } from "./copy-request.ts";
import { beginCopyRun, type CopyWork } from "./copy-run.ts";
import { findDistribution } from "./distribution-store.ts";
import { isOpen, isRunning } from "./distribution.ts";
import { failDistribution, finishDistribution } from "./finish-distribution.ts";
import { pinItems } from "./pin-items.ts";
import { renderPinned } from "./render-pinned.ts";

/**
 * Copies a release to its target registry. Steps, each done at most once after it is recorded:
 * `pin` every image by digest · `render` the YAML with pins · `blob:<digest>` each unique layer once · `manifest:<item>` each image's manifests
 * and tag, verified. A step that a crash cut off begins again; what it did before is looked up first.
 */
export const copyDistribution = defineTask<CopyPayload, Context>({
  name: COPY_DISTRIBUTION.kind,
  version: COPY_DISTRIBUTION.version,
  payload: CopyPayload,
  maxAttempts: 5,
  concurrency: 4,

  async run(ctx, { contentId, distributionId }, task) {
    const pinning = await load(ctx, contentId, distributionId);
    if (!pinning) return;
    const begun = beginCopyRun(ctx, task, pinning);
    await pinItems(begun);
    const pinned = await load(ctx, contentId, distributionId);
    if (!pinned) return;
    const run = { ...begun, ...pinned };
    await renderPinned(run);
    await copyItems(run, openItems(pinned));
    await task.transaction((db) => finishDistribution({ ...ctx, db }, distributionId));
  },

  async onEnd(ctx, { distributionId }, end) {
    if (end.state === "failed") await failDistribution(ctx, distributionId, end.error);
  },
});

/** The pinned items that are still to be copied. One that failed in this attempt stays so until a retry. */
function openItems({ content, distribution }: CopyWork): readonly ReleaseItem[] {
  const open = new Set(distribution.steps.filter((step) => isOpen(step.status)).map((step) => step.itemId));
  return content.items.filter((item) => open.has(item.id) && item.pinnedDigest !== null);
}

/** What the task works on; null when the release was deleted or its distribution has ended. */
async function load(ctx: Context, contentId: string, distributionId: string) {
  const [content, distribution] = await Promise.all([
    findFullContent(ctx.db, contentId),
    findDistribution(ctx.db, distributionId),
  ]);
  return content && distribution && isRunning(distribution.status) ? { content, distribution } : null;
}
