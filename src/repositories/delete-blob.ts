import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { lockBlob, releaseBlob } from "./blob-store.ts";
import { deleteUnusedLink, findLinkedSize } from "./link-store.ts";
import { openRepository } from "./open-repository.ts";

/**
 * Unlinks a blob from a repository; needs admin. One that a manifest of the repository names stays: BLOB_IN_USE.
 * Throws REPOSITORY_NOT_FOUND, FORBIDDEN, BLOB_NOT_FOUND.
 */
export async function deleteBlob(
  ctx: Context,
  input: { readonly repository: string; readonly digest: Digest },
): Promise<void> {
  const { digest } = input;
  const repository = await openRepository(ctx, input.repository, "admin");
  await inTransaction(ctx, async (tx) => {
    await lockBlob(tx.db, digest);
    if ((await findLinkedSize(tx.db, repository.id, digest)) === null)
      throw new DomainError("BLOB_NOT_FOUND", `Unknown blob ${digest}`);
    if (!(await deleteUnusedLink(tx.db, repository.id, digest, END_OF_TIME)))
      throw new DomainError(
        "BLOB_IN_USE",
        `A manifest of ${repository.name} names ${digest}: delete it first`,
      );
    await releaseBlob(tx.db, digest, tx.now());
    await recordEvent(tx, {
      kind: "blob.deleted",
      projectId: repository.projectId,
      subjectId: repository.id,
      before: { repository: repository.name, digest },
    });
  });
}

/** Unused is enough here, for however short a time. */
const END_OF_TIME = new Date(8.64e15);
