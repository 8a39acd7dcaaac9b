import type { Readable } from "node:stream";
import type { Context } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { findLinkedSize } from "./link-store.ts";
import { openRepository } from "./open-repository.ts";

/** A blob that can be read, in part or whole; `last` is included, as HTTP counts. */
export interface ReadableBlob {
  readonly sizeBytes: number;
  read(range?: { readonly first: number; readonly last: number }): Promise<Readable>;
}

/** A blob that the repository itself links. Throws REPOSITORY_NOT_FOUND, FORBIDDEN, BLOB_NOT_FOUND. */
export async function readBlob(
  ctx: Context,
  input: { readonly repository: string; readonly digest: Digest },
): Promise<ReadableBlob> {
  const repository = await openRepository(ctx, input.repository, "viewer");
  const sizeBytes = await findLinkedSize(ctx.db, repository.id, input.digest);
  if (sizeBytes === null) throw new DomainError("BLOB_NOT_FOUND", `Unknown blob ${input.digest}`);
  return { sizeBytes, read: (range) => ctx.files.read(input.digest, range) };
}
