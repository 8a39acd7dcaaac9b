import { type Context, inTransaction } from "../context.ts";
import { newId } from "../kernel/id.ts";
import { openRepositoryToPush, requirePush } from "./open-repository.ts";
import type { UploadState } from "./upload.ts";
import { insertUpload } from "./upload-store.ts";

/**
 * Begins an upload into a repository, which comes into being with its first one.
 * Throws REPOSITORY_NAME_INVALID, REPOSITORY_NOT_FOUND, FORBIDDEN, STORAGE_FULL.
 */
export async function startUpload(
  ctx: Context,
  input: { readonly repository: string },
): Promise<UploadState> {
  await requirePush(ctx, input.repository);
  await ctx.files.room.require(0);
  return inTransaction(ctx, async (tx) => {
    const repository = await openRepositoryToPush(tx, input.repository);
    const now = tx.now();
    const id = newId(now);
    await insertUpload(tx.db, { id, repositoryId: repository.id, startedAt: now, updatedAt: now });
    return { id, sizeBytes: 0 };
  });
}
