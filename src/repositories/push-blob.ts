import { type Context, inTransaction } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { newId } from "../kernel/id.ts";
import { openRepositoryToPush, requirePush } from "./open-repository.ts";
import { linkBlob, storeUpload } from "./settle-blob.ts";

export interface PushBlob {
  readonly repository: string;
  readonly digest: Digest;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** How many bytes they are; null: not said. */
  readonly length: number | null;
}

/**
 * Takes a whole blob in one go; nothing of it stays when that fails.
 * Throws REPOSITORY_NAME_INVALID, REPOSITORY_NOT_FOUND, FORBIDDEN, DIGEST_MISMATCH, SIZE_MISMATCH, STORAGE_FULL.
 */
export async function pushBlob(ctx: Context, input: PushBlob): Promise<void> {
  await requirePush(ctx, input.repository);
  // Nobody else goes on with this upload, so it has files only.
  const uploadId = newId(ctx.now());
  try {
    await ctx.files.uploads.append(uploadId, 0, input.chunks, input.length);
    await storeUpload(ctx, uploadId, input.digest);
  } finally {
    await ctx.files.uploads.remove(uploadId);
  }
  await inTransaction(ctx, async (tx) => {
    const repository = await openRepositoryToPush(tx, input.repository);
    await linkBlob(tx, repository.id, input.digest);
  });
}
