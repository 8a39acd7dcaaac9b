import type { Context } from "../context.ts";
import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import { getProject } from "../projects/get-project.ts";
import { markedAmong } from "./bad-mark-store.ts";
import type { ReleaseCandidate } from "./release-candidate.ts";
import { listCandidatesBefore } from "./release-candidate-store.ts";

/** A candidate, and whether somebody said that it must not be deployed. */
export interface ListedCandidate extends ReleaseCandidate {
  readonly isBad: boolean;
}

/** A project's candidates, newest first. Needs a viewer. Throws PROJECT_NOT_FOUND. */
export async function listCandidates(
  ctx: Context,
  { projectKey, page }: { readonly projectKey: string; readonly page: CursorRequest },
): Promise<CursorPage<ListedCandidate>> {
  const project = await getProject(ctx, projectKey);
  const rows = await listCandidatesBefore(ctx.db, project.id, page.after?.at ?? null, page.limit + 1);
  const { items, next } = cutPage(rows, page.limit, ({ cutId, id }) => ({ at: cutId, id }));
  return { items: await withMarks(ctx, project.id, items), next };
}

/** Says of each of a project's candidates whether it is marked bad. */
export async function withMarks(
  ctx: Context,
  projectId: string,
  candidates: readonly ReleaseCandidate[],
): Promise<ListedCandidate[]> {
  const versions = candidates.map(({ version }) => version);
  const marked = await markedAmong(ctx.db, projectId, versions);
  return candidates.map((candidate) => ({ ...candidate, isBad: marked.has(candidate.version) }));
}
