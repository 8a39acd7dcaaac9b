import { type RawBuilder, sql } from "kysely";
import { toDistribution } from "../distributions/distribution-store.ts";
import type { Database } from "../storage/database.ts";
import { toContent } from "./release-content-store.ts";
import type { ReleaseFilter } from "./release-filter.ts";
import type { ReleaseSummary } from "./release-view.ts";

/*
 * Lists are ordered by block, moment and id, newest first. Blocks follow each other in time, so that is the order of
 * the moments but for releases that are made at once where one block ends and the next begins.
 * Every filter reads a range of one index, whose rows are in this order: no list sorts or passes over what it does
 * not show.
 */

/** A release's place in the order of the lists. */
export interface ListPlace {
  readonly block: number;
  readonly at: number;
  readonly id: string;
}

/** Where a part of a list begins: at the top, behind a release, or so many releases into a block. */
export type ListStart = "top" | ListPlace | { readonly block: number; readonly skip: number };

/** Ids of the releases of one page, newest first. */
export async function listReleaseIds(
  db: Database,
  filter: ReleaseFilter,
  start: ListStart,
  limit: number,
): Promise<string[]> {
  const { rows } = await selectPage(filter, start, limit).execute(db);
  return rows.map(({ id }) => id);
}

/** The statement of a page, apart so that its plan can be looked at. */
export function selectPage(
  filter: ReleaseFilter,
  start: ListStart,
  limit: number,
): RawBuilder<{ id: string }> {
  const { status, label, projectId } = filter;
  const [id, rows] =
    label === null
      ? [sql.ref("id"), sql`release_contents where deleted_at is null`]
      : [sql.ref("content_id"), sql`release_labels where label = ${label}`];
  return sql`
    select ${id} as id from ${rows} and project_id = ${projectId}
      ${status === null ? sql`` : sql`and distribution_status = ${status}`} ${from(start, id)}
    order by block desc, created_at desc, ${id} desc
    limit ${limit} offset ${typeof start === "object" && "skip" in start ? start.skip : 0}
  `;
}

function from(start: ListStart, id: RawBuilder<unknown>): RawBuilder<unknown> {
  if (start === "top") return sql``;
  if ("skip" in start) return sql`and block <= ${start.block}`;
  return sql`and (block, created_at, ${id}) < (${start.block}, ${start.at}, ${start.id})`;
}

/** Where a release of this project stands, or stood before it was deleted; null when it never was in it. */
export async function findListPlace(db: Database, projectId: string, id: string): Promise<ListPlace | null> {
  const row = await db
    .selectFrom("release_contents")
    .select(["block", "created_at as at", "id"])
    .where("id", "=", id)
    .where("project_id", "=", projectId)
    .executeTakeFirst();
  return row ?? null;
}
/** The lines of a list for these contents, in this order. */
export async function loadSummaries(
  db: Database,
  projectKey: string,
  ids: readonly string[],
): Promise<ReleaseSummary[]> {
  if (ids.length === 0) return [];
  const contents = await db.selectFrom("release_contents").selectAll().where("id", "in", ids).execute();
  const distributions = await db
    .selectFrom("distributions")
    .selectAll()
    .where("content_id", "in", ids)
    .execute();
  const counts = await countSteps(db, ids);
  return ids.flatMap((id) => {
    const content = contents.find((row) => row.id === id);
    const distribution = distributions.find((row) => row.content_id === id);
    if (!content || !distribution) return [];
    const { verified, total } = counts.get(distribution.id) ?? { verified: 0, total: 0 };
    return [
      {
        projectKey,
        content: toContent(content),
        distribution: toDistribution(distribution),
        verified,
        total,
      },
    ];
  });
}

async function countSteps(db: Database, contentIds: readonly string[]) {
  const rows = await db
    .selectFrom("distribution_steps as step")
    .innerJoin("distributions as distribution", "distribution.id", "step.distribution_id")
    .select(["step.distribution_id", "step.status"])
    .select(({ fn }) => fn.countAll<number | bigint>().as("count"))
    .where("distribution.content_id", "in", contentIds)
    .where("step.status", "!=", "not_needed")
    .groupBy(["step.distribution_id", "step.status"])
    .execute();
  const counts = new Map<string, { verified: number; total: number }>();
  for (const row of rows) {
    const count = counts.get(row.distribution_id) ?? { verified: 0, total: 0 };
    count.total += Number(row.count);
    if (row.status === "verified") count.verified += Number(row.count);
    counts.set(row.distribution_id, count);
  }
  return counts;
}

/** The labels that a project's releases carry, sorted, each once, none empty. */
export async function distinctLabels(db: Database, projectId: string): Promise<string[]> {
  const { rows } = await selectLabels(projectId).execute(db);
  return rows.map(({ label }) => label);
}

/** One step into the index for each label, however many releases carry it. */
export const selectLabels = (projectId: string): RawBuilder<{ label: string }> => sql`
  with recursive labels as (
    select min(label) as label from release_labels where project_id = ${projectId} and label > ''
    union all
    select (select min(label) from release_labels where project_id = ${projectId} and label > labels.label)
    from labels where label is not null
  )
  select label from labels where label is not null order by label
`;
