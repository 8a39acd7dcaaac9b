import { countSteps, type DistributionStep } from "../../distributions/distribution.ts";
import type { DistributionProgress } from "../../distributions/distribution-progress.ts";
import type { ReleaseSummary, ReleaseView } from "../../releases/release-view.ts";
import { pinnedReference, type ReleaseItem } from "../../releases/release-item.ts";
import type { DistributionReply, ReleaseLine, ReleaseReply } from "../contract/releases.ts";

/** A release as lists show it. */
export const releaseLine = (summary: ReleaseSummary): ReleaseLine => ({
  ...summary.content,
  project: summary.projectKey,
  distribution: { ...summary.distribution, verifiedItems: summary.verified, totalItems: summary.total },
});

/** A release with all that it holds. */
export const releaseReply = (view: ReleaseView): ReleaseReply => ({
  ...view.content,
  project: view.projectKey,
  distribution: progressOf(view),
  services: view.content.manifests.map(({ serviceName, receivedYaml, renderedYaml }) => ({
    name: serviceName,
    receivedYaml,
    renderedYaml,
  })),
  items: itemsOf(view),
});

/** The copy of a release, image by image and blob by blob. `progress` was read after the view. */
export function distributionReply(view: ReleaseView, progress: DistributionProgress): DistributionReply {
  const items = new Map(progress.items.map((item) => [item.id, item]));
  const { status, error, attempt } = view.distribution;
  return {
    ...progressOf(view),
    ...progress,
    // From the row that has the end's moment, and read first: images and blobs are as far as it says, or further.
    status,
    error,
    attempt,
    project: view.projectKey,
    items: itemsOf(view).map((item) => {
      const { totalBytes = 0, movedBytes = 0, blobs = [], ...step } = items.get(item.id) ?? {};
      return { ...item, ...step, totalBytes, movedBytes, blobs };
    }),
  };
}

function progressOf({ distribution }: ReleaseView): ReleaseLine["distribution"] {
  const { verified, total } = countSteps(distribution.steps);
  return { ...distribution, verifiedItems: verified, totalItems: total };
}

function itemsOf({ content, distribution, referrers }: ReleaseView): ReleaseReply["items"] {
  const steps = new Map(distribution.steps.map((step) => [step.itemId, step]));
  return content.items.map((item) => ({
    ...itemReply(item, steps.get(item.id)),
    referrers: referrers.get(item.id) ?? [],
  }));
}

const itemReply = (item: ReleaseItem, step: DistributionStep | undefined) => ({
  ...item,
  pinnedReference: pinnedReference(item),
  status: step?.status ?? "not_needed",
  error: step?.error ?? "",
  verifiedDigest: step?.verifiedDigest ?? null,
});
