import { type Context, inTransaction } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { isDomainError } from "../kernel/errors.ts";
import { appendToUpload, type UploadChunk } from "./append-to-upload.ts";
import { openUpload, type UploadPlace } from "./open-upload.ts";
import { linkBlob, storeUpload } from "./settle-blob.ts";
import { deleteUpload } from "./upload-store.ts";

/**
 * Ends an upload, with its last bytes if there are any: the blob is on the disk and linked when this returns.
 * Throws DIGEST_MISMATCH (the upload is gone then) and what appendToUpload does.
 */
export async function finishUpload(
  ctx: Context,
  input: UploadPlace & { readonly digest: Digest; readonly last: UploadChunk | null },
): Promise<void> {
  const { upload, repository } = await openUpload(ctx, input);
  const { digest } = input;
  if (input.last) await appendToUpload(ctx, { ...input, ...input.last });
  try {
    await storeUpload(ctx, upload.id, digest);
  } catch (error) {
    if (isDomainError(error, "DIGEST_MISMATCH")) await deleteUpload(ctx.db, upload.id);
    throw error;
  }
  await inTransaction(ctx, async (tx) => {
    await linkBlob(tx, repository.id, digest);
    await deleteUpload(tx.db, upload.id);
  });
}
