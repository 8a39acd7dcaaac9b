import type { Context } from "../context.ts";
import { openUpload, type UploadPlace } from "./open-upload.ts";
import type { UploadState } from "./upload.ts";
import { touchUpload } from "./upload-store.ts";

/** Bytes of a blob as they come in. */
export interface UploadChunk {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Where they belong; null: where the upload stands. */
  readonly offset: number | null;
  /** How many they are; null: not said. */
  readonly length: number | null;
}

/**
 * Adds bytes to an upload. When the sender breaks off, what came in stays.
 * Throws UPLOAD_NOT_FOUND, UPLOAD_OUT_OF_ORDER, SIZE_MISMATCH, STORAGE_FULL and what openRepository does.
 */
export async function appendToUpload(ctx: Context, input: UploadPlace & UploadChunk): Promise<UploadState> {
  const { upload } = await openUpload(ctx, input);
  const { uploads } = ctx.files;
  const offset = input.offset ?? (await uploads.sizeOf(upload.id));
  const sizeBytes = await uploads.append(upload.id, offset, input.chunks, input.length);
  await touchUpload(ctx.db, upload.id, ctx.now());
  return { id: upload.id, sizeBytes };
}
