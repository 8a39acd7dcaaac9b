import type { Context } from "../context.ts";
import type { DistributionStatus } from "../distributions/distribution.ts";
import { cutPage, type CursorPage, type CursorRequest, type NumberedPage } from "../kernel/page.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import { findPlace } from "./release-counter-store.ts";
import type { ReleaseFilter } from "./release-filter.ts";
import { findListPlace, listReleaseIds, loadSummaries } from "./release-list-store.ts";
import type { ReleaseSummary } from "./release-view.ts";

export interface ListReleases {
  readonly projectKey: string;
  /** Null: any. */
  readonly status: DistributionStatus | null;
  /** Null: any, labelled or not. */
  readonly label: string | null;
}

const filterOf = (projectId: string, input: ListReleases): ReleaseFilter => ({
  projectId,
  status: input.status,
  label: input.label,
});

/**
 * A project's releases, newest first, by cursor. Needs a viewer.
 * Throws PROJECT_NOT_FOUND, INPUT_INVALID (a cursor of another list).
 */
export async function listReleases(
  ctx: Context,
  input: ListReleases & { readonly page: CursorRequest },
): Promise<CursorPage<ReleaseSummary>> {
  const project = await getProject(ctx, input.projectKey);
  const { after, limit } = input.page;
  const start = after === null ? "top" : await findListPlace(ctx.db, project.id, after.id);
  if (start === null) throw new DomainError("INPUT_INVALID", "after: not a cursor of this list");
  const ids = await listReleaseIds(ctx.db, filterOf(project.id, input), start, limit + 1);
  const rows = await loadSummaries(ctx.db, project.key, ids);
  return cutPage(rows, limit, ({ content }) => ({ at: content.createdAt.getTime(), id: content.id }));
}

/** The same by page number, with how many there are in all: page 10,000 costs what the first does. */
export async function listReleasesByNumber(
  ctx: Context,
  input: ListReleases & { readonly page: NumberedPage },
): Promise<{ readonly items: readonly ReleaseSummary[]; readonly total: number }> {
  const project = await getProject(ctx, input.projectKey);
  const filter = filterOf(project.id, input);
  const { total, start } = await findPlace(ctx.db, filter, (input.page.number - 1) * input.page.size);
  if (start === null) return { items: [], total };
  const ids = await listReleaseIds(ctx.db, filter, start, input.page.size);
  return { items: await loadSummaries(ctx.db, project.key, ids), total };
}
