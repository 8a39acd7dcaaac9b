import { maySee } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { findDistributionOf } from "../distributions/distribution-store.ts";
import { readMovingBytes } from "../distributions/moving-bytes.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import { findProjectById } from "../projects/project-store.ts";
import { readProgress } from "../tasks/read-progress.ts";
import { listReferrersOf } from "./referrer-store.ts";
import type { ReleaseContent } from "./release-content.ts";
import { findContent, findContentByVersion, withDetails } from "./release-content-store.ts";
import type { ReleaseView } from "./release-view.ts";

const unknown = (what: string): DomainError =>
  new DomainError("RELEASE_NOT_FOUND", `Unknown version ${what}`);

/** The release of this project and version. Needs a viewer. Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND. */
export async function getRelease(
  ctx: Context,
  input: { readonly projectKey: string; readonly version: string },
): Promise<ReleaseView> {
  const project = await getProject(ctx, input.projectKey);
  const content = await findContentByVersion(ctx.db, project.id, input.version);
  if (!content) throw unknown(input.version);
  return viewOf(ctx, project.key, content);
}

/** The release with this content. One that the actor may not see is unknown. Throws RELEASE_NOT_FOUND. */
export async function getReleaseById(ctx: Context, contentId: string): Promise<ReleaseView> {
  const content = await findContent(ctx.db, contentId);
  const project = content && (await findProjectById(ctx.db, content.projectId));
  if (!project || !maySee(ctx, project.id)) throw unknown(contentId);
  return viewOf(ctx, project.key, content);
}

async function viewOf(ctx: Context, projectKey: string, content: ReleaseContent): Promise<ReleaseView> {
  const [full, distribution] = await Promise.all([
    withDetails(ctx.db, content),
    findDistributionOf(ctx.db, content.id),
  ]);
  if (!distribution) throw new Error(`content ${content.id} has no distribution`);
  return {
    projectKey,
    content: full,
    distribution,
    movingBytes: readMovingBytes(await readProgress(ctx.db, distribution.taskId)),
    referrers: content.withReferrers ? await listReferrersOf(ctx.db, content.id) : new Map(),
  };
}
