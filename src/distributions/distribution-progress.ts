import * as z from "zod";
import { Digest } from "../kernel/digest.ts";
import { Id } from "../kernel/id.ts";
import { Distribution, StepStatus } from "./distribution.ts";

/**
 * A blob on its way to the target, once for all images that have it.
 *
 * waiting → moving → waiting (its transfer failed) | copied; waiting → present (it was there already) | mounted (another
 * repository of the target's registry had it). Nothing leaves the last three: the blob is at the target, verified.
 */
export const BlobState = z.enum(["waiting", "moving", "present", "mounted", "copied"]);
export type BlobState = z.output<typeof BlobState>;

/** How a blob got to its target. */
export type BlobArrival = Exclude<BlobState, "waiting" | "moving">;

/** A layer or a configuration. */
export const BlobProgress = z.object({
  digest: Digest,
  sizeBytes: z.int(),
  movedBytes: z.int().describe("how much of it has passed; all of it when it is at the target"),
  state: BlobState,
});
export type BlobProgress = z.output<typeof BlobProgress>;

/** One image; its bytes are those of its blobs, also of the ones that others share with it. */
export const ItemProgress = z.object({
  id: Id,
  serviceName: z.string(),
  containerName: z.string(),
  pinnedDigest: Digest.nullable(),
  status: StepStatus,
  error: z.string(),
  totalBytes: z.int(),
  movedBytes: z.int(),
  blobs: z.array(Digest).optional().describe("the digests of its blobs; left out when they were told before"),
});
export type ItemProgress = z.output<typeof ItemProgress>;

/** How far a distribution is, image by image and blob by blob; about a second old. */
export const DistributionProgress = Distribution.pick({
  id: true,
  status: true,
  error: true,
  attempt: true,
  totalBytes: true,
  verifiedBytes: true,
}).extend({
  releaseId: Id,
  version: z.string(),
  movingBytes: z.int().describe("on their way, not verified yet"),
  bytesPerSecond: z
    .int()
    .nullable()
    .describe(
      "over the last seconds; 0 when the transfer has stalled, null when nothing moves or it is too early to tell",
    ),
  secondsLeft: z
    .int()
    .nullable()
    .describe("at this rate, when no more blobs are at the target already; null without a rate"),
  totalItems: z.int().describe("how many images are to be pushed"),
  verifiedItems: z.int().describe("how many of them are verified at their target"),
  items: z.array(ItemProgress),
  blobs: z.array(BlobProgress),
});
export type DistributionProgress = z.output<typeof DistributionProgress>;

/** How long the rest takes at this rate, in seconds; null when there is no telling. */
export function secondsLeft(
  bytes: Pick<DistributionProgress, "totalBytes" | "verifiedBytes" | "movingBytes">,
  bytesPerSecond: number | null,
): number | null {
  if (bytesPerSecond === null || bytesPerSecond === 0) return null;
  return Math.ceil(Math.max(bytes.totalBytes - bytes.verifiedBytes - bytes.movingBytes, 0) / bytesPerSecond);
}

/** The same progress without the images and blobs that are as they were; null when nothing has changed. */
export function changesSince(
  before: DistributionProgress,
  now: DistributionProgress,
): DistributionProgress | null {
  const items = changed(before.items, now.items, ({ id }) => id);
  const blobs = changed(before.blobs, now.blobs, ({ digest }) => digest);
  const known = new Map(before.items.map((item) => [item.id, item.blobs]));
  const changes = {
    ...now,
    items: items.map(({ blobs: digests, ...item }) =>
      isSame(known.get(item.id), digests) ? item : { ...item, ...(digests && { blobs: digests }) },
    ),
    blobs,
  };
  return isSame({ ...before, items: [], blobs: [] }, changes) ? null : changes;
}

/** What somebody knows who was told the changes; `changes` is the whole progress at first. */
export function applyChanges(
  before: DistributionProgress | null,
  changes: DistributionProgress,
): DistributionProgress {
  return {
    ...changes,
    items: merged(before?.items ?? [], changes.items, ({ id }) => id),
    blobs: merged(before?.blobs ?? [], changes.blobs, ({ digest }) => digest),
  };
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function changed<Part>(
  before: readonly Part[],
  now: readonly Part[],
  nameOf: (part: Part) => string,
): Part[] {
  const known = new Map(before.map((part) => [nameOf(part), part]));
  return now.filter((part) => !isSame(known.get(nameOf(part)), part));
}

function merged<Part>(
  before: readonly Part[],
  changes: readonly Part[],
  nameOf: (part: Part) => string,
): Part[] {
  const parts = new Map(before.map((part) => [nameOf(part), part]));
  for (const part of changes) parts.set(nameOf(part), { ...parts.get(nameOf(part)), ...part });
  return [...parts.values()];
}
