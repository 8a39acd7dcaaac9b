import type { Digest } from "../kernel/digest.ts";
import type { Database } from "../storage/database.ts";
import { forChange } from "../storage/for-change.ts";

/*
 * A blob's life. Announced (a row, `unlinked_at` set) before its file appears, so that no file is without a row;
 * linked by repositories, or held by manifests whose bytes it is (`unlinked_at` null); unlinked when the last of
 * them is gone; removed with its file 24 h after that. Whoever links, unlinks or removes a blob first locks its
 * row, so `unlinked_at` is true at every commit, and a blob that is being linked is never removed.
 */

/** Makes the blob known, or puts its removal off, before its bytes are stored. Commits before they are. */
export async function announceBlob(
  db: Database,
  blob: { readonly digest: Digest; readonly sizeBytes: number },
  now: Date,
): Promise<void> {
  const at = now.getTime();
  await db
    .insertInto("blobs")
    .values({ digest: blob.digest, size_bytes: blob.sizeBytes, created_at: at, unlinked_at: at })
    .onConflict((conflict) =>
      conflict.column("digest").doUpdateSet({ unlinked_at: at }).where("blobs.unlinked_at", "is not", null),
    )
    .execute();
}

/** Keeps everybody else from linking, unlinking or removing the blob. False when there is none. */
export async function lockBlob(db: Database, digest: Digest): Promise<boolean> {
  const blob = db.selectFrom("blobs").select("digest").where("digest", "=", digest);
  return (await forChange(db, blob).executeTakeFirst()) !== undefined;
}

/** Takes a blob that is locked, or was announced just now, out of the reach of the sweep. */
export async function holdBlob(db: Database, digest: Digest): Promise<void> {
  const result = await db
    .updateTable("blobs")
    .set({ unlinked_at: null })
    .where("digest", "=", digest)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw new Error(`The blob ${digest} was removed while it came in`);
}

/** Lets the sweep have a locked blob, once nothing links or holds it. */
export async function releaseBlob(db: Database, digest: Digest, now: Date): Promise<void> {
  await db
    .updateTable("blobs")
    .set({ unlinked_at: now.getTime() })
    .where("digest", "=", digest)
    .where((row) => row.not(row.exists(linksOf(db, digest))))
    .where((row) => row.not(row.exists(manifestsOf(db, digest))))
    .execute();
}

const linksOf = (db: Database, digest: Digest) =>
  db.selectFrom("repository_blobs").select("digest").where("digest", "=", digest);
const manifestsOf = (db: Database, digest: Digest) =>
  db.selectFrom("manifests").select("digest").where("digest", "=", digest);

/** Blobs that nothing has linked or held since before this moment, the longest first. */
export async function listUnlinkedBlobs(db: Database, before: Date, limit: number): Promise<Digest[]> {
  const rows = await db
    .selectFrom("blobs")
    .select("digest")
    .where("unlinked_at", "<=", before.getTime())
    .orderBy("unlinked_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.digest);
}

/** The blobs that something links or holds, by digest, behind one. */
export async function listHeldBlobs(
  db: Database,
  after: string,
  limit: number,
): Promise<{ readonly digest: Digest; readonly sizeBytes: number }[]> {
  const rows = await db
    .selectFrom("blobs")
    .select(["digest", "size_bytes"])
    .where("unlinked_at", "is", null)
    .where("digest", ">", after)
    .orderBy("digest")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ digest: row.digest, sizeBytes: row.size_bytes }));
}

/** Deletes the blob's row if it is still unlinked since before this moment, and nothing links or holds it. */
export async function deleteUnlinkedBlob(db: Database, digest: Digest, before: Date): Promise<boolean> {
  const result = await db
    .deleteFrom("blobs")
    .where("digest", "=", digest)
    .where("unlinked_at", "<=", before.getTime())
    .where((row) => row.not(row.exists(linksOf(db, digest))))
    .where((row) => row.not(row.exists(manifestsOf(db, digest))))
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}
