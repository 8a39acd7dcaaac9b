import { toDistribution } from "../distributions/distribution-store.ts";
import type { DistributionStatus } from "../distributions/distribution.ts";
import type { CursorRequest } from "../kernel/page.ts";
import type { Database } from "../storage/database.ts";
import { toContent } from "./release-content-store.ts";
import type { ReleaseSummary } from "./release-view.ts";

/** Which of a project's releases a list shows; null leaves all. */
export interface ReleaseFilter {
  readonly projectId: string;
  readonly status: DistributionStatus | null;
  readonly label: string | null;
}

const listed = (db: Database, filter: ReleaseFilter) =>
  db
    .selectFrom("release_contents as content")
    .innerJoin("distributions as distribution", "distribution.content_id", "content.id")
    .where("content.project_id", "=", filter.projectId)
    .where("content.deleted_at", "is", null)
    .$if(filter.status !== null, (query) => query.where("distribution.status", "=", filter.status ?? ""))
    .$if(filter.label !== null, (query) =>
      query.where((row) =>
        row.exists(
          row
            .selectFrom("release_labels as label")
            .select("label.label")
            .whereRef("label.content_id", "=", "content.id")
            .where("label.label", "=", filter.label ?? ""),
        ),
      ),
    );

export async function countReleases(db: Database, filter: ReleaseFilter): Promise<number> {
  const row = await listed(db, filter)
    .select(({ fn }) => fn.countAll<number | bigint>().as("count"))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Ids of the releases of one page, newest first: after a cursor, or past so many rows. */
export async function listReleaseIds(
  db: Database,
  filter: ReleaseFilter,
  page: CursorRequest & { readonly skip: number },
): Promise<string[]> {
  const { after } = page;
  const rows = await listed(db, filter)
    .select("content.id")
    .$if(after !== null, (query) =>
      query.where((row) =>
        row(
          row.refTuple("content.created_at", "content.id"),
          "<",
          row.tuple(after?.at ?? 0, after?.id ?? ""),
        ),
      ),
    )
    .orderBy("content.created_at", "desc")
    .orderBy("content.id", "desc")
    .limit(page.limit)
    .offset(page.skip)
    .execute();
  return rows.map((row) => row.id);
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
  const rows = await db
    .selectFrom("release_labels as label")
    .innerJoin("release_contents as content", "content.id", "label.content_id")
    .select("label.label")
    .distinct()
    .where("content.project_id", "=", projectId)
    .where("content.deleted_at", "is", null)
    .where("label.label", "!=", "")
    .orderBy("label.label")
    .execute();
  return rows.map((row) => row.label);
}
