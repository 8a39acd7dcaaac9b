import { maySee } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { lockBlob, releaseBlob } from "./blob-store.ts";
import { leaveUnused } from "./link-store.ts";
import { deleteManifestRow } from "./manifest-store.ts";
import { openRepository } from "./open-repository.ts";
import { findPinningRelease } from "./pin-store.ts";
import type { Repository } from "./repository.ts";
import { deleteTagsOf } from "./tag-store.ts";

/**
 * Deletes a manifest and every tag that names it; needs admin. Blobs that only it named go 24 h later.
 * One that a release pins, itself or through an index, stays: RELEASE_PINNED.
 * Throws REPOSITORY_NOT_FOUND, FORBIDDEN, MANIFEST_NOT_FOUND.
 */
export async function deleteManifest(
  ctx: Context,
  input: { readonly repository: string; readonly digest: Digest },
): Promise<void> {
  const { digest } = input;
  const repository = await openRepository(ctx, input.repository, "admin");
  await inTransaction(ctx, async (tx) => {
    await requireUnpinned(tx, repository, digest);
    await lockBlob(tx.db, digest);
    const named = await deleteManifestRow(tx.db, repository.id, digest);
    if (!named) throw new DomainError("MANIFEST_NOT_FOUND", `${repository.name} has no manifest ${digest}`);
    const tags = await deleteTagsOf(tx.db, repository.id, digest);
    await leaveUnused(tx.db, repository.id, named, tx.now());
    await releaseBlob(tx.db, digest, tx.now());
    await recordEvent(tx, {
      kind: "manifest.deleted",
      projectId: repository.projectId,
      subjectId: repository.id,
      before: { repository: repository.name, digest, tags },
    });
  });
}

async function requireUnpinned(tx: Context, repository: Repository, digest: Digest): Promise<void> {
  const release = await findPinningRelease(tx.db, repository, digest);
  if (!release) return;
  const name = maySee(tx, release.projectId)
    ? `The release ${release.version} of the project ${release.projectKey}`
    : "A release of another project";
  throw new DomainError("RELEASE_PINNED", `${name} pins ${digest}: delete the release first`);
}
