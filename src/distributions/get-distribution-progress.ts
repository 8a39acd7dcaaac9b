import { maySee } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { assembleProgress } from "./assemble-progress.ts";
import type { DistributionProgress } from "./distribution-progress.ts";
import { parseCopyReport } from "./moving-bytes.ts";
import { listItemBlobs, listProgressBlobs, listProgressSteps, listReported } from "./progress-store.ts";

/** How far a distribution is, blob by blob. Needs a viewer. Throws DISTRIBUTION_NOT_FOUND. */
export async function getDistributionProgress(ctx: Context, id: string): Promise<DistributionProgress> {
  const [found] = await listReported(ctx.db, [id]);
  if (!found || !maySee(ctx, found.distribution.projectId)) throw new DomainError("DISTRIBUTION_NOT_FOUND");
  const [steps, blobs] = await Promise.all([listProgressSteps(ctx.db, [id]), listProgressBlobs(ctx.db, id)]);
  return assembleProgress(found, parseCopyReport(found.reportJson), {
    steps: steps.get(id) ?? [],
    blobs,
    itemBlobs: await listItemBlobs(ctx.db, id),
  });
}
