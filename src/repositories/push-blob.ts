import type { Context } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { cancelUpload } from "./cancel-upload.ts";
import { finishUpload } from "./finish-upload.ts";
import { isDomainError } from "../kernel/errors.ts";
import { startUpload } from "./start-upload.ts";

/** Takes a whole blob in one go; nothing of it stays when that fails. Throws what startUpload and finishUpload do. */
export async function pushBlob(
  ctx: Context,
  input: {
    readonly repository: string;
    readonly digest: Digest;
    readonly chunks: AsyncIterable<Uint8Array>;
    readonly length: number | null;
  },
): Promise<void> {
  const { repository, digest, chunks, length } = input;
  const { id: uploadId } = await startUpload(ctx, { repository });
  try {
    await finishUpload(ctx, { repository, uploadId, digest, last: { chunks, offset: 0, length } });
  } catch (error) {
    if (!isDomainError(error, "DIGEST_MISMATCH")) await cancelUpload(ctx, { repository, uploadId });
    throw error;
  }
}
