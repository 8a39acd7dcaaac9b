import { type Compilable, sql } from "kysely";
import type { Database } from "../storage/database.ts";
import { forChange } from "../storage/for-change.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import type { BlobArrival } from "./distribution-progress.ts";

/** A blob that a distribution moves. */
export interface SizedBlob {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Adds the unique blobs of newly pinned items, and counts the total anew. */
export async function addBlobs(
  db: Database,
  distributionId: string,
  blobs: readonly SizedBlob[],
): Promise<void> {
  for (const block of inBlocks(blobs))
    await db
      .insertInto("distribution_blobs")
      .values(
        block.map((blob) => ({
          distribution_id: distributionId,
          digest: blob.digest,
          size_bytes: blob.sizeBytes,
          verified_at: null,
        })),
      )
      .onConflict((conflict) => conflict.columns(["distribution_id", "digest"]).doNothing())
      .execute();
  await db
    .updateTable("distributions")
    .set((eb) => ({
      total_bytes: eb
        .selectFrom("distribution_blobs")
        .select((inner) =>
          inner
            .cast<number>(inner.fn.coalesce(inner.fn.sum("size_bytes"), inner.lit(0)), "bigint")
            .as("total"),
        )
        .where("distribution_id", "=", distributionId),
    }))
    .where("id", "=", distributionId)
    .execute();
}

/**
 * The statements that mark blobs as being at the target, each once, and add their sizes to the distribution's verified
 * bytes. They run in this order in one transaction.
 */
export function markBlobsVerified(
  db: Database,
  distributionId: string,
  digests: readonly string[],
  arrival: BlobArrival,
  now: Date,
): readonly Compilable[] {
  const marked = [...inBlocks(digests)].flatMap((block) => [
    addBytesOf(db, distributionId, block),
    db
      .updateTable("distribution_blobs")
      .set({ verified_at: now.getTime(), arrival })
      .where("distribution_id", "=", distributionId)
      .where("digest", "in", block)
      .where("verified_at", "is", null),
  ]);
  // The distribution's row first: whoever marks blobs waits here, and looks at them only afterwards.
  const lock = forChange(db, db.selectFrom("distributions").select("id").where("id", "=", distributionId));
  return [lock, ...marked];
}

/** Adds the sizes of those of these blobs that are not marked yet. */
const addBytesOf = (db: Database, distributionId: string, digests: readonly string[]): Compilable =>
  db
    .updateTable("distributions")
    .set((eb) => ({
      verified_bytes: eb(
        "verified_bytes",
        "+",
        eb
          .selectFrom("distribution_blobs")
          .select((inner) =>
            inner
              .cast<number>(inner.fn.coalesce(inner.fn.sum("size_bytes"), inner.lit(0)), "bigint")
              .as("bytes"),
          )
          .where("distribution_id", "=", distributionId)
          .where("digest", "in", digests)
          .where("verified_at", "is", null),
      ),
    }))
    .where("id", "=", distributionId);

/** A repository that holds a blob, reached through a connection. */
export interface BlobHolder {
  readonly connectionId: string;
  readonly repository: string;
  readonly digest: string;
}

const keyOf = ({ connectionId, digest, repository }: BlobHolder): string =>
  `${connectionId} ${digest} ${repository}`;

/** The statements that note that this project itself read or wrote these blobs in these repositories. */
export function addMountSources(
  db: Database,
  projectId: string,
  holders: readonly BlobHolder[],
  now: Date,
): readonly Compilable[] {
  const unique = new Map(holders.map((holder) => [keyOf(holder), holder]));
  // In one order for all, as two releases may bring the same blobs to the same place at once.
  const ordered = [...unique].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [...inBlocks(ordered)].map((block) =>
    db
      .insertInto("mount_sources")
      .values(
        block.map(([, { connectionId, digest, repository }]) => ({
          project_id: projectId,
          connection_id: connectionId,
          digest,
          repository,
          seen_at: now.getTime(),
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(["project_id", "connection_id", "digest", "repository"]).doNothing(),
      ),
  );
}

/** For one that is wanted where the latest holder is itself, there is another. */
const HOLDERS_OF_A_BLOB = 2;

/** By digest, the repositories that most lately held the blobs of a distribution for this project, the latest first. */
export async function findMountSources(
  db: Database,
  place: { readonly projectId: string; readonly connectionId: string; readonly distributionId: string },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ readonly digest: string; readonly repository: string }>`
    select digest, repository from (
      select m.digest, m.repository, row_number() over (partition by m.digest order by m.seen_at desc) as place
      from distribution_blobs b join mount_sources m on m.digest = b.digest
      where b.distribution_id = ${place.distributionId}
        and m.project_id = ${place.projectId} and m.connection_id = ${place.connectionId}
    ) ranked where place <= ${HOLDERS_OF_A_BLOB} order by digest, place
  `.execute(db);
  const byDigest = Map.groupBy(rows, ({ digest }) => digest);
  return new Map(
    byDigest.entries().map(([digest, own]) => [digest, own.map(({ repository }) => repository)]),
  );
}

/** Forgets a place that did not hold the blob after all. */
export async function dropMountSource(
  db: Database,
  place: { readonly projectId: string; readonly connectionId: string; readonly repository: string },
  digest: string,
): Promise<void> {
  await db
    .deleteFrom("mount_sources")
    .where("project_id", "=", place.projectId)
    .where("connection_id", "=", place.connectionId)
    .where("digest", "=", digest)
    .where("repository", "=", place.repository)
    .execute();
}
