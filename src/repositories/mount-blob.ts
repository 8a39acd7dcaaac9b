import { type Context, inTransaction } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { isDomainError } from "../kernel/errors.ts";
import { lockBlob } from "./blob-store.ts";
import { findLinkedSize } from "./link-store.ts";
import { openRepository, openRepositoryToPush } from "./open-repository.ts";
import type { Repository } from "./repository.ts";
import { linkBlob } from "./settle-blob.ts";

/**
 * Links a blob of another repository into this one. False when that is impossible for whatever reason (no such
 * blob there, no such repository, no right to see it): the caller uploads it then.
 * Throws REPOSITORY_NAME_INVALID, REPOSITORY_NOT_FOUND, FORBIDDEN for the repository pushed to.
 */
export async function mountBlob(
  ctx: Context,
  input: { readonly repository: string; readonly from: string; readonly digest: Digest },
): Promise<boolean> {
  const { digest } = input;
  const from = await openSource(ctx, input.from);
  if (!from || (await findLinkedSize(ctx.db, from.id, digest)) === null) return false;
  return inTransaction(ctx, async (tx) => {
    const repository = await openRepositoryToPush(tx, input.repository);
    if (!(await lockBlob(tx.db, digest))) return false;
    if ((await findLinkedSize(tx.db, from.id, digest)) === null) return false;
    await linkBlob(tx, repository.id, digest);
    return true;
  });
}

async function openSource(ctx: Context, name: string): Promise<Repository | null> {
  try {
    return await openRepository(ctx, name, "viewer");
  } catch (error) {
    if (isDomainError(error, "REPOSITORY_NAME_INVALID", "REPOSITORY_NOT_FOUND", "FORBIDDEN")) return null;
    throw error;
  }
}
