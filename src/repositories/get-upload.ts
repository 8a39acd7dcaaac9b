import type { Context } from "../context.ts";
import { openUpload, type UploadPlace } from "./open-upload.ts";
import type { UploadState } from "./upload.ts";

/** How an upload stands. Throws REPOSITORY_NOT_FOUND, FORBIDDEN, UPLOAD_NOT_FOUND. */
export async function getUpload(ctx: Context, place: UploadPlace): Promise<UploadState> {
  const { upload } = await openUpload(ctx, place);
  return { id: upload.id, sizeBytes: await ctx.files.uploads.sizeOf(upload.id) };
}
