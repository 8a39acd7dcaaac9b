import type { Compilable } from "kysely";
import { DomainError } from "../kernel/errors.ts";
import type { Limiter } from "../kernel/limiter.ts";
import type { Referrer } from "../releases/referrer.ts";
import { markReferrersCopied } from "../releases/referrer-store.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { Database } from "../storage/database.ts";
import type { BlobWish } from "./copy-blob.ts";
import { pushReferrer } from "./copy-referrers.ts";
import type { CopyRun } from "./copy-run.ts";
import { addMountSources, markBlobsVerified, type SizedBlob } from "./distribution-blob-store.ts";
import { OPEN_STEPS } from "./distribution.ts";
import { moveStep } from "./distribution-store.ts";
import type { ImageTree } from "./image-tree.ts";
import { lookAtTarget } from "./look-at-target.ts";
import { placeBlob } from "./place-blob.ts";
import { forReferrer, type ReferrerTree } from "./referrer-tree.ts";

/** One image on its way to its target. */
export interface ImageCopy {
  readonly item: ReleaseItem;
  readonly tree: ImageTree;
  /** The image itself is at its target already. */
  readonly atTarget: boolean;
  /** What is attached to it, and which of that the target lacks. */
  readonly referrers: readonly ReferrerTree[];
  readonly missing: readonly ReferrerTree[];
}

/** What has to be brought to the target, each blob once. */
export function blobsToCopy({ item, tree, atTarget, missing }: ImageCopy): readonly BlobWish[] {
  const wishes = new Map<string, BlobWish>();
  const add = (blobs: readonly SizedBlob[], referrer: Referrer | null): void => {
    for (const blob of blobs) if (!wishes.has(blob.digest)) wishes.set(blob.digest, { item, blob, referrer });
  };
  if (!atTarget) add(tree.blobs, null);
  for (const one of missing) add(one.tree.blobs, one.referrer);
  return [...wishes.values()];
}

/** Completes images; see `imageCopier`. */
export type CopyImage = (
  copy: ImageCopy,
  homes: ReadonlyMap<string, string>,
  limit: Limiter,
) => Promise<void>;

interface VerifiedImage {
  readonly itemId: string;
  readonly digest: string;
}

/**
 * Completes one image at its target, as a step of its own: blobs that other images brought into the registry are
 * put into this repository, then manifests, those below first, then the tag, and the digest is read back; last comes
 * what is attached to it. `homes` says which repository got each blob.
 */
export function imageCopier(run: CopyRun): CopyImage {
  const copies = new Map<string, ImageCopy>();
  const step = run.task.manySteps<VerifiedImage>((db, verified) =>
    verified.flatMap((one) => {
      const copy = copies.get(one.itemId);
      return copy ? noteVerified(db, run, copy, one) : [];
    }),
  );
  return async (copy, homes, limit) => {
    copies.set(copy.item.id, copy);
    await step(`manifest:${copy.item.id}`, () => completeImage(run, copy, homes, limit));
  };
}

async function completeImage(
  run: CopyRun,
  copy: ImageCopy,
  homes: ReadonlyMap<string, string>,
  limit: Limiter,
): Promise<VerifiedImage> {
  const { item, atTarget, missing } = copy;
  if (!atTarget) await pushImage(run, copy, homes, limit);
  if (!atTarget && (await digestNow(run, item)) !== item.pinnedDigest)
    throw new DomainError(
      "DIGEST_MISMATCH",
      `${item.targetImage} does not lead to ${item.pinnedDigest ?? ""} after the copy`,
    );
  for (const one of missing) {
    await forReferrer(one.referrer, () => placeBlobs(run, item, one.tree, homes, limit));
    await pushReferrer(run, item, one);
  }
  return { itemId: item.id, digest: item.pinnedDigest ?? "" };
}

async function digestNow(run: CopyRun, item: ReleaseItem): Promise<string | null> {
  return lookAtTarget(await run.registryOf(item.target.connectionId), item, run.task.signal);
}

function noteVerified(
  db: Database,
  run: CopyRun,
  copy: ImageCopy,
  { itemId, digest: verifiedDigest }: VerifiedImage,
): readonly Compilable[] {
  const { item, tree, referrers } = copy;
  const now = run.ctx.now();
  const key = { distributionId: run.distribution.id, itemId };
  const all = [tree, ...referrers.map((one) => one.tree)].flatMap(({ blobs }) => blobs);
  const { connectionId, repository } = item.target;
  const holders = blobsToCopy(copy).map(({ blob: { digest } }) => ({
    connectionId: connectionId ?? "",
    repository,
    digest,
  }));
  return [
    ...markBlobsVerified(db, run.distribution.id, digestsOf(all), "present", now),
    moveStep(db, key, OPEN_STEPS, { status: "verified", verifiedDigest }, now),
    ...(referrers.length > 0 ? [markReferrersCopied(db, itemId, now)] : []),
    ...addMountSources(db, run.content.projectId, holders, now),
  ];
}

const digestsOf = (blobs: readonly SizedBlob[]): string[] => blobs.map(({ digest }) => digest);

async function pushImage(
  run: CopyRun,
  { item, tree }: ImageCopy,
  homes: ReadonlyMap<string, string>,
  limit: Limiter,
): Promise<void> {
  await placeBlobs(run, item, tree, homes, limit);
  const { repository, connectionId } = item.target;
  const target = await run.registryOf(connectionId);
  for (const manifest of tree.manifests) {
    const reference = manifest === tree.root ? item.targetTag : manifest.digest;
    await target.pushManifest(repository, reference, manifest, run.task.signal);
  }
}

/** Puts into the item's repository what another one got in this run. */
async function placeBlobs(
  run: CopyRun,
  item: ReleaseItem,
  { blobs }: ImageTree,
  homes: ReadonlyMap<string, string>,
  limit: Limiter,
): Promise<void> {
  const elsewhere = blobs.filter((blob) => homes.get(blob.digest) !== item.target.repository);
  // All are waited for, also after a failure: a step that has ended must have nothing on its way.
  const placed = await Promise.allSettled(
    elsewhere.map((blob) => limit(() => placeBlob(run, item, blob, homes.get(blob.digest) ?? null))),
  );
  for (const one of placed) if (one.status === "rejected") throw one.reason;
}
