import type { Context } from "../context.ts";
import { UPLOAD_LIFETIME_MILLIS } from "./upload.ts";
import { deleteRestingUpload, findUpload, listRestingUploads } from "./upload-store.ts";

const AT_A_TIME = 500;

/** Ends uploads that nobody went on with for 24 h, and removes files that a crash left behind; returns how many. */
export async function expireUploads(ctx: Context, signal?: AbortSignal): Promise<number> {
  const before = new Date(ctx.now().getTime() - UPLOAD_LIFETIME_MILLIS);
  let expired = 0;
  for (const id of await listRestingUploads(ctx.db, before, AT_A_TIME)) {
    signal?.throwIfAborted();
    if (!(await deleteRestingUpload(ctx.db, id, before))) continue;
    await ctx.files.uploads.remove(id);
    expired += 1;
  }
  for (const { id, changedAt } of await ctx.files.uploads.list()) {
    if (changedAt > before || (await findUpload(ctx.db, id))) continue;
    await ctx.files.uploads.remove(id);
    expired += 1;
  }
  return expired;
}
