import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { lookAgainEverywhere } from "../deployments/look-again-everywhere.ts";
import { cancelDistribution } from "../distributions/cancel-distribution.ts";
import { DomainError } from "../kernel/errors.ts";
import { type ContentInProject, contentToChange } from "./content-to-change.ts";
import { markDeleted } from "./release-content-store.ts";

/**
 * Marks a release's content deleted; its name is free again, and what was copied stays where it is.
 * A copy under way is cancelled first. Needs an admin. Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN.
 */
export function deleteRelease(ctx: Context, input: ContentInProject): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const content = await contentToChange(tx, input, "admin");
    await cancelDistribution(tx, content.id);
    if (!(await markDeleted(tx.db, content.id, tx.now())))
      throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${input.contentId}`);
    // A candidate of the release may be deployed without it.
    await lookAgainEverywhere(tx, { projectId: content.projectId, tier: null, environmentId: null });
    await recordEvent(tx, {
      kind: "release.deleted",
      projectId: content.projectId,
      subjectId: content.id,
      before: content,
    });
  });
}
