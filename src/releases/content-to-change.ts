import { maySee, requireRole } from "../access/authorize.ts";
import type { Role } from "../access/role.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import type { ReleaseContent } from "./release-content.ts";
import { findContent } from "./release-content-store.ts";

/** Names a release by its content's id. */
export interface ContentInProject {
  readonly contentId: string;
  /** When given, a content of another project is unknown. */
  readonly projectKey: string | null;
}

/**
 * The content that the actor is about to change, which takes this role. Rights in the project that was named are
 * looked at first, and decided on the content's own. Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN.
 */
export async function contentToChange(
  tx: Context,
  { contentId, projectKey }: ContentInProject,
  needed: Role,
): Promise<ReleaseContent> {
  const project = projectKey === null ? null : await getProject(tx, projectKey);
  if (project) requireRole(tx, project.id, needed);
  const content = await findContent(tx.db, contentId);
  const elsewhere = project !== null && content?.projectId !== project.id;
  if (!content || elsewhere || !maySee(tx, content.projectId))
    throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${contentId}`);
  requireRole(tx, content.projectId, needed);
  return content;
}
