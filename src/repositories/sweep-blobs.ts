import { type Context, inTransaction } from "../context.ts";
import { deleteUnlinkedBlob, listUnlinkedBlobs, lockBlob, releaseBlob } from "./blob-store.ts";
import { deleteUnusedLink, listUnusedLinks } from "./link-store.ts";

/** How long a blob stays that nothing needs: a client may be about to push the manifest that names it. */
const GRACE_MILLIS = 24 * 60 * 60 * 1000;
/** So many at most in one sweep; the next one goes on. */
const AT_A_TIME = 10_000;

/** What a sweep did. */
export interface Sweep {
  readonly unlinked: number;
  readonly removed: number;
}

/**
 * Removes what nothing has needed for 24 h: links to blobs that no manifest of their repository names, and blobs
 * that no repository links. Works while others push: each removal is judged again in its own transaction.
 */
export async function sweepBlobs(ctx: Context, signal?: AbortSignal): Promise<Sweep> {
  const before = new Date(ctx.now().getTime() - GRACE_MILLIS);
  let [unlinked, removed] = [0, 0];
  for (const link of await listUnusedLinks(ctx.db, before, AT_A_TIME)) {
    signal?.throwIfAborted();
    if (await unlink(ctx, link, before)) unlinked += 1;
  }
  for (const digest of await listUnlinkedBlobs(ctx.db, before, AT_A_TIME)) {
    signal?.throwIfAborted();
    if (await remove(ctx, digest, before)) removed += 1;
  }
  return { unlinked, removed };
}

const unlink = (
  ctx: Context,
  link: { readonly repositoryId: string; readonly digest: string },
  before: Date,
): Promise<boolean> =>
  inTransaction(ctx, async (tx) => {
    await lockBlob(tx.db, link.digest);
    const unlinked = await deleteUnusedLink(tx.db, link.repositoryId, link.digest, before);
    if (unlinked) await releaseBlob(tx.db, link.digest, tx.now());
    return unlinked;
  });

/** The file goes while the row's deletion keeps others waiting: whoever brings the blob again stores it anew. */
const remove = (ctx: Context, digest: string, before: Date): Promise<boolean> =>
  inTransaction(ctx, async (tx) => {
    const removed = await deleteUnlinkedBlob(tx.db, digest, before);
    if (removed) await ctx.files.remove(digest);
    return removed;
  });
