import type { Database } from "../storage/database.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import type { Tables } from "../storage/tables.ts";
import { toDistribution } from "./distribution-store.ts";
import type { Distribution, StepStatus } from "./distribution.ts";
import type { BlobArrival } from "./distribution-progress.ts";

/** A distribution, the version that it copies, and what its task reported last as JSON; null when it reports nothing. */
export interface ReportedDistribution {
  readonly distribution: Distribution;
  readonly version: string;
  readonly reportJson: string | null;
}

/** An image of a distribution. */
export interface ProgressStep {
  readonly itemId: string;
  readonly serviceName: string;
  readonly containerName: string;
  readonly pinnedDigest: string | null;
  readonly status: StepStatus;
  readonly error: string;
}

/** A blob as the database knows it; the state null stands for one that is not at the target yet. */
export interface ProgressBlob {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly state: BlobArrival | null;
}

/** Those of these projects that are under way. */
export const listRunning = async (
  db: Database,
  projectIds: readonly string[],
): Promise<ReportedDistribution[]> =>
  toReported(
    await reported(db)
      .where("distribution.project_id", "in", [...projectIds, ""])
      .where("distribution.ended_at", "is", null)
      .execute(),
  );

export const listReported = async (db: Database, ids: readonly string[]): Promise<ReportedDistribution[]> =>
  toReported(
    await reported(db)
      .where("distribution.id", "in", [...ids, ""])
      .execute(),
  );

const reported = (db: Database) =>
  db
    .selectFrom("distributions as distribution")
    .innerJoin("release_contents as content", "content.id", "distribution.content_id")
    .leftJoin("tasks as task", (join) =>
      join.onRef("task.id", "=", "distribution.task_id").on("task.ended_at", "is", null),
    )
    .selectAll("distribution")
    .select(["content.version", "task.progress_json"])
    .orderBy("distribution.id");

const toReported = (
  rows: readonly (Tables["distributions"] & {
    readonly version: string;
    readonly progress_json: string | null;
  })[],
): ReportedDistribution[] =>
  rows.map((row) => ({
    distribution: toDistribution(row),
    version: row.version,
    reportJson: row.progress_json,
  }));

/** The images of these distributions, by distribution, in the order of the release's items. */
export async function listProgressSteps(
  db: Database,
  distributionIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ProgressStep[]>> {
  const rows = await db
    .selectFrom("distribution_steps as step")
    .innerJoin("release_items as item", "item.id", "step.item_id")
    .select(["step.distribution_id", "step.item_id", "step.status", "step.error"])
    .select(["item.service_name", "item.container_name", "item.pinned_digest"])
    .where("step.distribution_id", "in", [...distributionIds, ""])
    .orderBy("item.position")
    .execute();
  const steps = rows.map((row) => ({
    distributionId: row.distribution_id,
    itemId: row.item_id,
    serviceName: row.service_name,
    containerName: row.container_name,
    pinnedDigest: row.pinned_digest,
    status: row.status as StepStatus,
    error: row.error,
  }));
  return Map.groupBy(steps, ({ distributionId }) => distributionId);
}

export async function listProgressBlobs(db: Database, distributionId: string): Promise<ProgressBlob[]> {
  const rows = await db
    .selectFrom("distribution_blobs")
    .select(["digest", "size_bytes", "verified_at", "arrival"])
    .where("distribution_id", "=", distributionId)
    .orderBy("digest")
    .execute();
  return rows.map((row) => ({
    digest: row.digest,
    sizeBytes: row.size_bytes,
    // Of those that arrived before it was noted how, only this much is known.
    state: row.verified_at === null ? null : ((row.arrival ?? "present") as BlobArrival),
  }));
}

/** The digests of each image's blobs, by item; an image that is not pinned has none here. */
export async function listItemBlobs(
  db: Database,
  distributionId: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await db
    .selectFrom("distribution_item_blobs")
    .select(["item_id", "digests_json"])
    .where("distribution_id", "=", distributionId)
    .execute();
  return new Map(rows.map((row) => [row.item_id, JSON.parse(row.digests_json) as string[]]));
}

const ROWS_PER_STATEMENT = 100;

/** Notes which blobs these newly pinned items have. */
export async function addItemBlobs(
  db: Database,
  distributionId: string,
  items: readonly { readonly itemId: string; readonly digests: readonly string[] }[],
): Promise<void> {
  for (const block of inBlocks(items, ROWS_PER_STATEMENT))
    await db
      .insertInto("distribution_item_blobs")
      .values(
        block.map(({ itemId, digests }) => ({
          distribution_id: distributionId,
          item_id: itemId,
          digests_json: JSON.stringify(digests),
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(["distribution_id", "item_id"])
          .doUpdateSet((eb) => ({ digests_json: eb.ref("excluded.digests_json") })),
      )
      .execute();
}
