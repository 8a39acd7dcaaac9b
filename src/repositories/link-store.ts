import type { Digest } from "../kernel/digest.ts";
import type { Database } from "../storage/database.ts";
import { forChange } from "../storage/for-change.ts";

/*
 * A repository's own links to blobs: what it has not linked is unknown in it, wherever else the bytes may be.
 * `unreferenced_at` is null while a manifest of the repository names the blob. It guards every removal: a push
 * that takes the blob into use and a removal both write the link's row, so one of them sees the other.
 */

/** Links a blob that is locked, or held by this transaction; a link that is there counts as new. */
export async function putLink(
  db: Database,
  link: { readonly repositoryId: string; readonly digest: Digest },
  now: Date,
): Promise<void> {
  const at = now.getTime();
  await db
    .insertInto("repository_blobs")
    .values({ repository_id: link.repositoryId, digest: link.digest, linked_at: at, unreferenced_at: at })
    .onConflict((conflict) =>
      conflict
        .columns(["repository_id", "digest"])
        .doUpdateSet({ unreferenced_at: at })
        .where("repository_blobs.unreferenced_at", "is not", null),
    )
    .execute();
}

/** The size in bytes of a blob that this repository links; null when it does not. */
export async function findLinkedSize(
  db: Database,
  repositoryId: string,
  digest: Digest,
): Promise<number | null> {
  const row = await db
    .selectFrom("repository_blobs as link")
    .innerJoin("blobs as blob", "blob.digest", "link.digest")
    .select("blob.size_bytes")
    .where("link.repository_id", "=", repositoryId)
    .where("link.digest", "=", digest)
    .executeTakeFirst();
  return row?.size_bytes ?? null;
}

/** Which of these blobs the repository links. */
export async function whichLinked(
  db: Database,
  repositoryId: string,
  digests: readonly Digest[],
): Promise<Digest[]> {
  if (digests.length === 0) return [];
  const rows = await db
    .selectFrom("repository_blobs")
    .select("digest")
    .where("repository_id", "=", repositoryId)
    .where("digest", "in", digests)
    .execute();
  return rows.map((row) => row.digest);
}

/** Marks the links to these blobs as named by a manifest; returns those that are there. */
export async function takeIntoUse(
  db: Database,
  repositoryId: string,
  digests: readonly Digest[],
): Promise<Digest[]> {
  if (digests.length === 0) return [];
  const rows = await db
    .updateTable("repository_blobs")
    .set({ unreferenced_at: null })
    .where("repository_id", "=", repositoryId)
    .where("digest", "in", digests)
    .returning("digest")
    .execute();
  return rows.map((row) => row.digest);
}

/**
 * Marks the links that no manifest of the repository names any more, of those to these blobs. They are locked
 * by a statement of its own, so that the next one sees what a push committed while this one waited.
 */
export async function leaveUnused(
  db: Database,
  repositoryId: string,
  digests: readonly Digest[],
  now: Date,
): Promise<void> {
  if (digests.length === 0) return;
  const links = db
    .selectFrom("repository_blobs")
    .select("digest")
    .where("repository_id", "=", repositoryId)
    .where("digest", "in", digests);
  await forChange(db, links).execute();
  await db
    .updateTable("repository_blobs")
    .set({ unreferenced_at: now.getTime() })
    .where("repository_id", "=", repositoryId)
    .where("digest", "in", digests)
    .where((row) =>
      row.not(
        row.exists(
          row
            .selectFrom("manifest_references as named")
            .select("named.digest")
            .whereRef("named.repository_id", "=", "repository_blobs.repository_id")
            .whereRef("named.digest", "=", "repository_blobs.digest"),
        ),
      ),
    )
    .execute();
}

/** Deletes a link that no manifest has named since before this moment. */
export async function deleteUnusedLink(
  db: Database,
  repositoryId: string,
  digest: Digest,
  before: Date,
): Promise<boolean> {
  const result = await db
    .deleteFrom("repository_blobs")
    .where("repository_id", "=", repositoryId)
    .where("digest", "=", digest)
    .where("unreferenced_at", "<=", before.getTime())
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

/** Links that no manifest has named since before this moment, the longest first. */
export async function listUnusedLinks(
  db: Database,
  before: Date,
  limit: number,
): Promise<{ repositoryId: string; digest: Digest }[]> {
  const rows = await db
    .selectFrom("repository_blobs")
    .select(["repository_id", "digest"])
    .where("unreferenced_at", "<=", before.getTime())
    .orderBy("unreferenced_at")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ repositoryId: row.repository_id, digest: row.digest }));
}
