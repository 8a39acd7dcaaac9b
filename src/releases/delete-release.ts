import { maySee, requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { cancelDistribution } from "../distributions/cancel-distribution.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import { findContent, markDeleted } from "./release-content-store.ts";

export interface DeleteRelease {
  readonly contentId: string;
  /** When given, a content of another project is unknown. */
  readonly projectKey: string | null;
}

/**
 * Marks a release's content deleted; its name is free again, and what was copied stays where it is.
 * A copy under way is cancelled first. Needs an admin. Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN.
 */
export function deleteRelease(ctx: Context, input: DeleteRelease): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const project = input.projectKey === null ? null : await getProject(tx, input.projectKey);
    if (project) requireRole(tx, project.id, "admin");
    const content = await findContent(tx.db, input.contentId);
    const elsewhere = project !== null && content?.projectId !== project.id;
    if (!content || elsewhere || !maySee(tx, content.projectId))
      throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${input.contentId}`);
    requireRole(tx, content.projectId, "admin");
    await cancelDistribution(tx, content.id);
    if (!(await markDeleted(tx.db, content.id, tx.now())))
      throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${input.contentId}`);
    await recordEvent(tx, {
      kind: "release.deleted",
      projectId: content.projectId,
      subjectId: content.id,
      before: content,
    });
  });
}
