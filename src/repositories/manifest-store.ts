import * as z from "zod";
import type { Digest } from "../kernel/digest.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import { blobsOf, childrenOf, type Manifest } from "./manifest.ts";

/** A manifest as a repository holds it, without its text. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

const Annotations = z.record(z.string(), z.string());

const toStored = (row: Tables["manifests"]): StoredManifest => ({
  digest: row.digest,
  mediaType: row.media_type,
  sizeBytes: row.size_bytes,
  artifactType: row.artifact_type,
  annotations: row.annotations_json === null ? {} : Annotations.parse(JSON.parse(row.annotations_json)),
});

/** Adds a manifest with what it names. False when the repository has it. */
export async function insertManifest(
  db: Database,
  repositoryId: string,
  stored: { readonly digest: Digest; readonly sizeBytes: number; readonly manifest: Manifest },
  now: Date,
): Promise<boolean> {
  const { digest, sizeBytes, manifest } = stored;
  const result = await db
    .insertInto("manifests")
    .values({
      repository_id: repositoryId,
      digest,
      media_type: manifest.mediaType,
      size_bytes: sizeBytes,
      subject_digest: manifest.subject?.digest ?? null,
      artifact_type: manifest.artifactType,
      annotations_json: JSON.stringify(manifest.annotations),
      pushed_at: now.getTime(),
    })
    .onConflict((conflict) => conflict.columns(["repository_id", "digest"]).doNothing())
    .executeTakeFirst();
  if (result.numInsertedOrUpdatedRows !== 1n) return false;
  const named = [...blobsOf(manifest), ...childrenOf(manifest)];
  if (named.length > 0)
    await db
      .insertInto("manifest_references")
      .values(
        named.map((descriptor) => ({
          repository_id: repositoryId,
          manifest_digest: digest,
          digest: descriptor.digest,
        })),
      )
      .execute();
  return true;
}

export async function findManifest(
  db: Database,
  repositoryId: string,
  digest: Digest,
): Promise<StoredManifest | null> {
  const row = await db
    .selectFrom("manifests")
    .selectAll()
    .where("repository_id", "=", repositoryId)
    .where("digest", "=", digest)
    .executeTakeFirst();
  return row ? toStored(row) : null;
}

/** Which of these the repository holds as manifests. */
export async function whichManifests(
  db: Database,
  repositoryId: string,
  digests: readonly Digest[],
): Promise<Digest[]> {
  if (digests.length === 0) return [];
  const rows = await db
    .selectFrom("manifests")
    .select("digest")
    .where("repository_id", "=", repositoryId)
    .where("digest", "in", digests)
    .execute();
  return rows.map((row) => row.digest);
}

/** Deletes a manifest; returns the digests that it named, or null when there is none. */
export async function deleteManifestRow(
  db: Database,
  repositoryId: string,
  digest: Digest,
): Promise<Digest[] | null> {
  const result = await db
    .deleteFrom("manifests")
    .where("repository_id", "=", repositoryId)
    .where("digest", "=", digest)
    .executeTakeFirst();
  if (result.numDeletedRows !== 1n) return null;
  const named = await db
    .deleteFrom("manifest_references")
    .where("repository_id", "=", repositoryId)
    .where("manifest_digest", "=", digest)
    .returning("digest")
    .execute();
  return named.map((row) => row.digest);
}

/** Manifests attached to this subject, by digest, behind `last`. */
export async function listAttached(
  db: Database,
  repositoryId: string,
  subject: Digest,
  filter: { readonly artifactType: string | null; readonly last: string; readonly limit: number },
): Promise<StoredManifest[]> {
  const rows = await db
    .selectFrom("manifests")
    .selectAll()
    .where("repository_id", "=", repositoryId)
    .where("subject_digest", "=", subject)
    .where("digest", ">", filter.last)
    .$if(filter.artifactType !== null, (query) => query.where("artifact_type", "=", filter.artifactType))
    .orderBy("digest")
    .limit(filter.limit)
    .execute();
  return rows.map(toStored);
}
