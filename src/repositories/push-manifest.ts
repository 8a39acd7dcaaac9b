import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { type Digest, digestOf, isDigest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { announceBlob, holdBlob } from "./blob-store.ts";
import { takeIntoUse, whichLinked } from "./link-store.ts";
import { blobsOf, childrenOf, type Manifest, parseManifest } from "./manifest.ts";
import { insertManifest, whichManifests } from "./manifest-store.ts";
import { openRepositoryToPush, requirePush } from "./open-repository.ts";
import type { Repository } from "./repository.ts";
import { findRepository } from "./repository-store.ts";
import { findTag, putTag } from "./tag-store.ts";

export interface PushManifest {
  readonly repository: string;
  /** A tag, or the digest that the bytes must have. */
  readonly reference: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What a pushed manifest is known by. */
export interface PushedManifest {
  readonly digest: Digest;
  readonly subject: Digest | null;
}

/**
 * Stores a manifest, byte for byte, and makes its tag name it. Everything that it names must be there already.
 * Throws MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, DIGEST_MISMATCH, STORAGE_FULL and what startUpload does.
 */
export async function pushManifest(ctx: Context, input: PushManifest): Promise<PushedManifest> {
  await requirePush(ctx, input.repository);
  const digest = digestOf(input.bytes);
  if (isDigest(input.reference) && input.reference !== digest)
    throw new DomainError("DIGEST_MISMATCH", `The manifest has the digest ${digest}, not ${input.reference}`);
  const manifest = parseManifest(textOf(input.bytes), input.mediaType);
  // Once before anything is stored, so that a refusal leaves nothing; once for good, in the transaction.
  const known = (await findRepository(ctx.db, input.repository)) ?? { id: "", name: input.repository };
  await requireAllThere(ctx, known, manifest, whichLinked);
  await announceBlob(ctx.db, { digest, sizeBytes: input.bytes.length }, ctx.now());
  await ctx.files.put(input.bytes);
  await inTransaction(ctx, (tx) => link(tx, input, { digest, manifest }));
  return { digest, subject: manifest.subject?.digest ?? null };
}

/** Takes everything into use that the manifest names, adds it and moves the tag, with the event of it. */
async function link(
  tx: Context,
  input: PushManifest,
  { digest, manifest }: { readonly digest: Digest; readonly manifest: Manifest },
): Promise<void> {
  const repository = await openRepositoryToPush(tx, input.repository);
  await requireAllThere(tx, repository, manifest, takeIntoUse);
  await holdBlob(tx.db, digest);
  const stored = { digest, sizeBytes: input.bytes.length, manifest };
  const isNew = await insertManifest(tx.db, repository.id, stored, tx.now());
  const tag = isDigest(input.reference) ? null : input.reference;
  const before = tag === null ? digest : await findTag(tx.db, repository.id, tag);
  if (tag !== null) await putTag(tx.db, repository.id, { name: tag, digest }, tx.now());
  if (!isNew && before === digest) return;
  await recordEvent(tx, {
    kind: "manifest.pushed",
    projectId: repository.projectId,
    subjectId: repository.id,
    before: tag === null ? null : { tag, digest: before },
    after: { repository: repository.name, tag, digest, mediaType: manifest.mediaType },
  });
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new DomainError("MANIFEST_INVALID", "The manifest is not UTF-8 text");
  }
}

/** Throws unless the repository has everything that the manifest names, as `linked` sees it. */
async function requireAllThere(
  ctx: Context,
  repository: Pick<Repository, "id" | "name">,
  manifest: Manifest,
  linked: typeof whichLinked,
): Promise<void> {
  const blobs = blobsOf(manifest).map(({ digest }) => digest);
  const children = childrenOf(manifest).map(({ digest }) => digest);
  const there = new Set([
    ...(await linked(ctx.db, repository.id, blobs)),
    ...(await whichManifests(ctx.db, repository.id, children)),
  ]);
  const missing = [...blobs, ...children].filter((digest) => !there.has(digest));
  if (missing.length > 0)
    throw new DomainError(
      "MANIFEST_BLOB_UNKNOWN",
      `${repository.name} lacks what the manifest names: ${missing.slice(0, 3).join(", ")}`,
      { missing: missing.slice(0, 10) },
    );
}
