import { DomainError } from "../kernel/errors.ts";
import type { Limiter } from "../kernel/limiter.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { addMountSources, markBlobsVerified } from "./distribution-blob-store.ts";
import { OPEN_STEPS } from "./distribution.ts";
import { moveStep } from "./distribution-store.ts";
import type { ImageTree } from "./image-tree.ts";
import { placeBlob } from "./place-blob.ts";

/** Whether the image's tag at the target leads to the pinned digest already. */
export async function isAtTarget(run: CopyRun, item: ReleaseItem): Promise<boolean> {
  const target = await run.registryOf(item.target.connectionId);
  const found = await target.findManifest(item.target.repository, item.targetTag, run.task.signal);
  return found !== null && found === item.pinnedDigest;
}

/**
 * Completes one image at its target, as a step of its own: blobs that other images brought into the registry are
 * put into this repository, then manifests, those below first, then the tag; last the digest is read back.
 * `homes` says which repository got each blob; null: the image is there already.
 */
export async function copyImage(
  run: CopyRun,
  item: ReleaseItem,
  tree: ImageTree,
  homes: ReadonlyMap<string, string> | null,
  limit: Limiter,
): Promise<void> {
  await run.task.step(
    `manifest:${item.id}`,
    async () => {
      if (homes) await pushImage(run, item, tree, homes, limit);
      if (!(await isAtTarget(run, item)))
        throw new DomainError(
          "DIGEST_MISMATCH",
          `${item.targetImage} does not lead to ${item.pinnedDigest ?? ""} after the copy`,
        );
      return item.pinnedDigest ?? "";
    },
    async (db, verifiedDigest) => {
      const now = run.ctx.now();
      const key = { distributionId: run.distribution.id, itemId: item.id };
      const digests = tree.blobs.map((blob) => blob.digest);
      await markBlobsVerified(db, run.distribution.id, digests, now);
      await moveStep(db, key, OPEN_STEPS, { status: "verified", verifiedDigest }, now);
      const { connectionId, repository } = item.target;
      const written = { projectId: run.content.projectId, connectionId: connectionId ?? "", repository };
      if (homes) await addMountSources(db, written, digests, now);
    },
  );
}

async function pushImage(
  run: CopyRun,
  item: ReleaseItem,
  tree: ImageTree,
  homes: ReadonlyMap<string, string>,
  limit: Limiter,
): Promise<void> {
  const { repository, connectionId } = item.target;
  const elsewhere = tree.blobs.filter((blob) => homes.get(blob.digest) !== repository);
  // All are waited for, also after a failure: a step that has ended must have nothing on its way.
  const placed = await Promise.allSettled(
    elsewhere.map((blob) => limit(() => placeBlob(run, item, blob, homes.get(blob.digest) ?? null))),
  );
  for (const one of placed) if (one.status === "rejected") throw one.reason;
  const target = await run.registryOf(connectionId);
  for (const manifest of tree.manifests) {
    const reference = manifest === tree.root ? item.targetTag : manifest.digest;
    await target.pushManifest(repository, reference, manifest, run.task.signal);
  }
}
