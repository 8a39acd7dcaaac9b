import type { Context } from "../context.ts";
import type { DistributionStatus } from "../distributions/distribution.ts";
import { cutPage, type CursorPage, type CursorRequest, type NumberedPage } from "../kernel/page.ts";
import { getProject } from "../projects/get-project.ts";
import { countReleases, listReleaseIds, loadSummaries } from "./release-list-store.ts";
import type { ReleaseSummary } from "./release-view.ts";

export interface ListReleases {
  readonly projectKey: string;
  /** Null: any. */
  readonly status: DistributionStatus | null;
  /** Null: any, labelled or not. */
  readonly label: string | null;
}

const filterOf = (projectId: string, input: ListReleases) => ({
  projectId,
  status: input.status,
  label: input.label,
});

/** A project's releases, newest first, by cursor. Needs a viewer. Throws PROJECT_NOT_FOUND. */
export async function listReleases(
  ctx: Context,
  input: ListReleases & { readonly page: CursorRequest },
): Promise<CursorPage<ReleaseSummary>> {
  const project = await getProject(ctx, input.projectKey);
  const { after, limit } = input.page;
  const ids = await listReleaseIds(ctx.db, filterOf(project.id, input), { after, limit: limit + 1, skip: 0 });
  const rows = await loadSummaries(ctx.db, project.key, ids);
  return cutPage(rows, limit, ({ content }) => ({ at: content.createdAt.getTime(), id: content.id }));
}

/** The same by page number, with how many there are in all. */
export async function listReleasesByNumber(
  ctx: Context,
  input: ListReleases & { readonly page: NumberedPage },
): Promise<{ readonly items: readonly ReleaseSummary[]; readonly total: number }> {
  const project = await getProject(ctx, input.projectKey);
  const filter = filterOf(project.id, input);
  const total = await countReleases(ctx.db, filter);
  const skip = (input.page.number - 1) * input.page.size;
  if (skip >= total) return { items: [], total };
  const ids = await listReleaseIds(ctx.db, filter, { after: null, limit: input.page.size, skip });
  return { items: await loadSummaries(ctx.db, project.key, ids), total };
}
