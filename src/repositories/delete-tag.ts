import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { openRepository } from "./open-repository.ts";
import { deleteTagRow } from "./tag-store.ts";

/**
 * Deletes a tag; needs admin. What it named stays, and can be had by its digest.
 * Throws REPOSITORY_NOT_FOUND, FORBIDDEN, MANIFEST_NOT_FOUND.
 */
export async function deleteTag(
  ctx: Context,
  input: { readonly repository: string; readonly tag: string },
): Promise<void> {
  const repository = await openRepository(ctx, input.repository, "admin");
  await inTransaction(ctx, async (tx) => {
    const digest = await deleteTagRow(tx.db, repository.id, input.tag);
    if (digest === null)
      throw new DomainError("MANIFEST_NOT_FOUND", `${repository.name} has no tag ${input.tag}`);
    await recordEvent(tx, {
      kind: "tag.deleted",
      projectId: repository.projectId,
      subjectId: repository.id,
      before: { repository: repository.name, tag: input.tag, digest },
    });
  });
}
