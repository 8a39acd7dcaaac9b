import type { Context } from "../context.ts";
import { openUpload, type UploadPlace } from "./open-upload.ts";
import { deleteUpload } from "./upload-store.ts";

/** Ends an upload without a blob. Throws REPOSITORY_NOT_FOUND, FORBIDDEN, UPLOAD_NOT_FOUND. */
export async function cancelUpload(ctx: Context, place: UploadPlace): Promise<void> {
  const { upload } = await openUpload(ctx, place);
  await deleteUpload(ctx.db, upload.id);
  await ctx.files.uploads.remove(upload.id);
}
