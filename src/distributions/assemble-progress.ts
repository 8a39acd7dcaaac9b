import { countSteps } from "./distribution.ts";
import {
  type BlobProgress,
  type DistributionProgress,
  type ItemProgress,
  secondsLeft,
} from "./distribution-progress.ts";
import type { CopyReport } from "./moving-bytes.ts";
import type { ProgressBlob, ProgressStep, ReportedDistribution } from "./progress-store.ts";

/** What the database knows of a distribution besides what changes every second. */
export interface ProgressParts {
  readonly steps: readonly ProgressStep[];
  readonly blobs: readonly ProgressBlob[];
  /** The digests of each pinned image's blobs. */
  readonly itemBlobs: ReadonlyMap<string, readonly string[]>;
}

/** Puts together how far a distribution is from its rows and from what its task reported last. */
export function assembleProgress(
  { distribution, version }: Pick<ReportedDistribution, "distribution" | "version">,
  report: CopyReport,
  parts: ProgressParts,
): DistributionProgress {
  const blobs = parts.blobs.map((blob) => blobProgress(blob, report));
  const byDigest = new Map(blobs.map((blob) => [blob.digest, blob]));
  const moving = blobs.filter(({ state }) => state === "moving");
  const bytes = {
    totalBytes: distribution.totalBytes,
    verifiedBytes: distribution.verifiedBytes,
    movingBytes: sumOf(moving, ({ movedBytes }) => movedBytes),
  };
  const bytesPerSecond = rateOf(report, moving);
  const { id, contentId, status, error, attempt } = distribution;
  const { verified, total } = countSteps(parts.steps);
  return {
    id,
    releaseId: contentId,
    version,
    status,
    error,
    attempt,
    ...bytes,
    bytesPerSecond,
    secondsLeft: secondsLeft(bytes, bytesPerSecond),
    totalItems: total,
    verifiedItems: verified,
    items: parts.steps.map((step) => itemProgress(step, parts.itemBlobs.get(step.itemId), byDigest)),
    blobs,
  };
}

function blobProgress({ digest, sizeBytes, state }: ProgressBlob, report: CopyReport): BlobProgress {
  if (state !== null) return { digest, sizeBytes, movedBytes: sizeBytes, state };
  const passed = report.blobs[digest];
  if (passed === undefined) return { digest, sizeBytes, movedBytes: 0, state: "waiting" };
  return { digest, sizeBytes, movedBytes: Math.min(passed, sizeBytes), state: "moving" };
}

/** Bytes that have all passed are not stalled: the target is storing them. */
function rateOf({ bytesPerSecond }: CopyReport, moving: readonly BlobProgress[]): number | null {
  const stillToPass = moving.some(({ movedBytes, sizeBytes }) => movedBytes < sizeBytes);
  return moving.length === 0 || (bytesPerSecond === 0 && !stillToPass) ? null : bytesPerSecond;
}

function itemProgress(
  { itemId, serviceName, containerName, pinnedDigest, status, error }: ProgressStep,
  digests: readonly string[] | undefined,
  byDigest: ReadonlyMap<string, BlobProgress>,
): ItemProgress {
  const blobs = (digests ?? []).map((digest) => byDigest.get(digest)).filter((blob) => blob !== undefined);
  return {
    id: itemId,
    serviceName,
    containerName,
    pinnedDigest,
    status,
    error,
    totalBytes: sumOf(blobs, ({ sizeBytes }) => sizeBytes),
    movedBytes: sumOf(blobs, ({ movedBytes }) => movedBytes),
    ...(digests && { blobs: [...digests] }),
  };
}

const sumOf = <Part>(parts: readonly Part[], bytesOf: (part: Part) => number): number =>
  parts.reduce((sum, part) => sum + bytesOf(part), 0);
