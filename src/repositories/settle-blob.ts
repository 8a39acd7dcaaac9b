import type { Context } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { announceBlob, holdBlob } from "./blob-store.ts";
import { putLink } from "./link-store.ts";

/** Turns the bytes of an upload into a stored blob, announced but linked nowhere yet. Throws DIGEST_MISMATCH. */
export const storeUpload = (ctx: Context, uploadId: string, digest: Digest): Promise<void> =>
  ctx.files.uploads.finish(uploadId, digest, ctx.files.pathOf(digest), (sizeBytes) =>
    announceBlob(ctx.db, { digest, sizeBytes }, ctx.now()),
  );

/** Links a blob that was stored just now, or is locked by this transaction, into a repository. */
export async function linkBlob(tx: Context, repositoryId: string, digest: Digest): Promise<void> {
  await holdBlob(tx.db, digest);
  await putLink(tx.db, { repositoryId, digest }, tx.now());
}
