import { DomainError } from "../kernel/errors.ts";
import type { Referrer } from "../releases/referrer.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { forReferrer, readRoot, type ReferrerTree } from "./referrer-tree.ts";
import { heldUnderTag } from "./referrer-tag.ts";

/** Reads what was found attached to an item when it was pinned: by digest, so it is the same for ever. */
export const loadReferrers = (
  run: CopyRun,
  item: ReleaseItem,
  referrers: readonly Referrer[],
): Promise<readonly ReferrerTree[]> =>
  Promise.all(
    referrers.map((referrer) =>
      forReferrer(referrer, async () => ({
        referrer,
        tree: await run.treeAt({ ...item.source, reference: referrer.digest }),
      })),
    ),
  );

/** Those that are not attached at the item's target as they are at its source. */
export async function missingReferrers(
  run: CopyRun,
  item: ReleaseItem,
  referrers: readonly ReferrerTree[],
): Promise<readonly ReferrerTree[]> {
  const seen = await Promise.all(
    referrers.map((one) => forReferrer(one.referrer, () => isAttached(run, item, one))),
  );
  return referrers.filter((_, index) => !seen[index]);
}

async function isAttached(
  run: CopyRun,
  item: ReleaseItem,
  { referrer, tree }: ReferrerTree,
): Promise<boolean> {
  const { signal } = run.task;
  const { repository } = item.target;
  const target = await run.registryOf(item.target.connectionId);
  const { digest, subject, tag } = referrer;
  if (tag !== null) return (await heldUnderTag({ target, repository, tag }, tree, signal)) === "all";
  const listed = await target.listReferrers(repository, subject, signal);
  return listed.includes(digest) && (await target.findManifest(repository, digest, signal)) !== null;
}

/** Attaches one referrer to its subject at the item's target, which has the subject and the referrer's blobs. */
export const pushReferrer = (run: CopyRun, item: ReleaseItem, own: ReferrerTree): Promise<void> =>
  forReferrer(own.referrer, async () => {
    const { referrer, tree } = own;
    const { signal } = run.task;
    const { repository } = item.target;
    const target = await run.registryOf(item.target.connectionId);
    for (const manifest of tree.manifests)
      if (manifest !== tree.root) await target.pushManifest(repository, manifest.digest, manifest, signal);
    const { subject, artifactType, annotations } = readRoot(tree);
    if (subject !== null) {
      const attached = { manifest: tree.root, subject: subject.digest, artifactType, annotations };
      await target.pushReferrer(repository, attached, signal);
    }
    const { tag } = referrer;
    if (tag === null) return;
    const held = await heldUnderTag({ target, repository, tag }, tree, signal);
    if (held === "other")
      throw new DomainError(
        "REFERRER_NOT_COPIED",
        `${repository}:${tag} at the target holds something that the source lacks: copy that to the source, or delete the tag`,
      );
    if (held !== "all") await target.pushManifest(repository, tag, tree.root, signal);
  });
