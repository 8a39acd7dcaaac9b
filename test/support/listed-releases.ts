import { expect } from "vitest";
import type { Context } from "../../src/context.ts";
import { DistributionStatus } from "../../src/distributions/distribution.ts";
import { filterKey } from "../../src/releases/release-filter.ts";
import { listReleasesByNumber } from "../../src/releases/list-releases.ts";
import type { Database } from "../../src/storage/database.ts";

/** A release that is not deleted, by what lists are not read from: its own distribution, its labels as they were given. */
export interface ListedRelease {
  readonly id: string;
  readonly block: number;
  readonly createdAt: number;
  readonly status: string;
  readonly labels: readonly string[];
}

/** All of a project, in the order of its lists. */
export async function readListed(db: Database, projectId: string): Promise<readonly ListedRelease[]> {
  const rows = await db
    .selectFrom("release_contents as content")
    .innerJoin("distributions as distribution", "distribution.content_id", "content.id")
    .select([
      "content.id",
      "content.block",
      "content.created_at",
      "content.labels_json",
      "distribution.status",
    ])
    .where("content.project_id", "=", projectId)
    .where("content.deleted_at", "is", null)
    .orderBy("content.block", "desc")
    .orderBy("content.created_at", "desc")
    .orderBy("content.id", "desc")
    .execute();
  return rows.map((row) => ({
    id: row.id,
    block: row.block,
    createdAt: row.created_at,
    status: row.status,
    labels: JSON.parse(row.labels_json) as string[],
  }));
}

export interface Filter {
  readonly status: DistributionStatus | null;
  readonly label: string | null;
}

/** Every filter by which a list of these releases can be asked for, and one by a label that none has. */
export function filtersOf(listed: readonly ListedRelease[]): readonly Filter[] {
  const labels = [null, "no release has it", ...new Set(listed.flatMap((release) => release.labels))];
  return [null, ...DistributionStatus.options].flatMap((status) =>
    labels.map((label) => ({ status, label })),
  );
}

/** What a filter leaves. */
export const matching = (listed: readonly ListedRelease[], { status, label }: Filter) =>
  listed.filter(
    (release) =>
      (status === null || release.status === status) && (label === null || release.labels.includes(label)),
  );

/** Expects that every counter is the number of releases that it counts, and that there are no others. */
export async function expectExactCounts(db: Database, projectId: string): Promise<void> {
  const listed = await readListed(db, projectId);
  const expected: Record<string, number> = {};
  for (const filter of filtersOf(listed))
    for (const { block } of matching(listed, filter)) {
      const key = `${filterKey(filter)} in ${block}`;
      expected[key] = (expected[key] ?? 0) + 1;
    }
  const rows = await db
    .selectFrom("release_counts")
    .selectAll()
    .where("project_id", "=", projectId)
    .execute();
  // A block that was emptied keeps its number.
  const kept = rows.filter(({ filter, count }) => filter !== "" || count !== 0);
  expect(Object.fromEntries(kept.map((row) => [`${row.filter} in ${row.block}`, row.count]))).toEqual(
    expected,
  );
}

/** Expects that every page of every list, and the one behind its last, is what sorting and counting all of it gives. */
export async function expectRightPages(
  ctx: Context,
  project: { readonly id: string; readonly key: string },
  size: number,
): Promise<void> {
  const listed = await readListed(ctx.db, project.id);
  for (const filter of filtersOf(listed)) {
    const ids = matching(listed, filter).map(({ id }) => id);
    for (let number = 1; (number - 2) * size < ids.length; number += 1) {
      const page = { number, size };
      const { items, total } = await listReleasesByNumber(ctx, { projectKey: project.key, ...filter, page });
      expect({ filter, page, total, ids: items.map(({ content }) => content.id) }).toEqual({
        filter,
        page,
        total: ids.length,
        ids: ids.slice((number - 1) * size, number * size),
      });
    }
  }
}
