import { buffer } from "node:stream/consumers";
import type { Context } from "../context.ts";
import { type Digest, isDigest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { findManifest } from "./manifest-store.ts";
import { openRepository } from "./open-repository.ts";
import { findTag } from "./tag-store.ts";

/** A manifest whose bytes can be read. */
export interface ReadableManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  read(): Promise<Buffer>;
}

/** The manifest behind a tag or digest. Throws REPOSITORY_NOT_FOUND, FORBIDDEN, MANIFEST_NOT_FOUND. */
export async function readManifest(
  ctx: Context,
  input: { readonly repository: string; readonly reference: string },
): Promise<ReadableManifest> {
  const { reference } = input;
  const repository = await openRepository(ctx, input.repository, "viewer");
  const digest = isDigest(reference) ? reference : await findTag(ctx.db, repository.id, reference);
  const manifest = digest === null ? null : await findManifest(ctx.db, repository.id, digest);
  if (!manifest)
    throw new DomainError("MANIFEST_NOT_FOUND", `${repository.name} has no manifest ${reference}`);
  const { mediaType, sizeBytes } = manifest;
  return {
    digest: manifest.digest,
    mediaType,
    sizeBytes,
    read: async () => buffer(await ctx.files.read(manifest.digest)),
  };
}
