import { DomainError } from "../kernel/errors.ts";
import type { Limiter } from "../kernel/limiter.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { addMountSources, markBlobVerified } from "./distribution-blob-store.ts";
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
      await moveStep(db, key, ["waiting", "pinned", "copying"], { status: "verified", verifiedDigest }, now);
      for (const blob of tree.blobs) await markBlobVerified(db, run.distribution.id, blob.digest, now);
      const { connectionId, repository } = item.target;
      if (homes && connectionId !== null)
        await addMountSources(
          db,
          { projectId: run.content.projectId, connectionId, repository },
          tree.blobs.map((blob) => blob.digest),
          now,
        );
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
  await Promise.all(
    elsewhere.map((blob) => limit(() => placeBlob(run, item, blob, homes.get(blob.digest) ?? null))),
  );
  const target = await run.registryOf(connectionId);
  for (const manifest of tree.manifests) {
    const reference = manifest === tree.root ? item.targetTag : manifest.digest;
    await target.pushManifest(repository, reference, manifest, run.task.signal);
  }
}
