import { fromMillis } from "../kernel/time.ts";
import { setListedStatus } from "../releases/listed-status-store.ts";
import type { Database } from "../storage/database.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import type { Tables } from "../storage/tables.ts";
import type {
  Distribution,
  DistributionStatus,
  DistributionStep,
  FullDistribution,
  StepStatus,
} from "./distribution.ts";

export const toDistribution = (row: Tables["distributions"]): Distribution => ({
  id: row.id,
  contentId: row.content_id,
  projectId: row.project_id,
  status: row.status as DistributionStatus,
  error: row.error,
  attempt: row.attempt,
  taskId: row.task_id,
  totalBytes: row.total_bytes,
  verifiedBytes: row.verified_bytes,
  createdAt: fromMillis(row.created_at),
  endedAt: fromMillis(row.ended_at),
});

const toStep = (row: Tables["distribution_steps"]): DistributionStep => ({
  itemId: row.item_id,
  status: row.status as StepStatus,
  error: row.error,
  verifiedDigest: row.verified_digest,
});

/** Writes a content's distribution; lists show its status from now on. */
export async function insertDistribution(db: Database, distribution: FullDistribution): Promise<void> {
  const at = distribution.createdAt.getTime();
  await db
    .insertInto("distributions")
    .values({
      id: distribution.id,
      content_id: distribution.contentId,
      project_id: distribution.projectId,
      status: distribution.status,
      error: distribution.error,
      attempt: distribution.attempt,
      task_id: distribution.taskId,
      total_bytes: distribution.totalBytes,
      verified_bytes: distribution.verifiedBytes,
      created_at: at,
      ended_at: null,
    })
    .execute();
  const rows = distribution.steps.map((step) => ({
    distribution_id: distribution.id,
    item_id: step.itemId,
    status: step.status,
    error: step.error,
    verified_digest: step.verifiedDigest,
    updated_at: at,
  }));
  const rowsPerStatement = 200;
  for (let start = 0; start < rows.length; start += rowsPerStatement)
    await db
      .insertInto("distribution_steps")
      .values(rows.slice(start, start + rowsPerStatement))
      .execute();
  await setListedStatus(db, distribution.contentId, distribution.status);
}

/** The distribution with this id, steps in the order of the release's items. */
export async function findDistribution(db: Database, id: string): Promise<FullDistribution | null> {
  const row = await db.selectFrom("distributions").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? withSteps(db, row) : null;
}

const withSteps = async (db: Database, row: Tables["distributions"]): Promise<FullDistribution> => ({
  ...toDistribution(row),
  steps: await listSteps(db, row.id),
});

/** The newest distribution of a content. */
export async function findDistributionOf(db: Database, contentId: string): Promise<FullDistribution | null> {
  const row = await db
    .selectFrom("distributions")
    .selectAll()
    .where("content_id", "=", contentId)
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row ? withSteps(db, row) : null;
}

export async function listSteps(db: Database, distributionId: string): Promise<DistributionStep[]> {
  const rows = await db
    .selectFrom("distribution_steps as step")
    .innerJoin("release_items as item", "item.id", "step.item_id")
    .selectAll("step")
    .where("step.distribution_id", "=", distributionId)
    .orderBy("item.position")
    .execute();
  return rows.map(toStep);
}

/** Moves a distribution from one of these states, in the lists too; false when it was in none of them. */
export async function moveDistribution(
  tx: Database,
  id: string,
  from: readonly DistributionStatus[],
  change: { readonly status: DistributionStatus } & Partial<
    Pick<Tables["distributions"], "error" | "attempt" | "task_id" | "ended_at">
  >,
): Promise<boolean> {
  const moved = await tx
    .updateTable("distributions")
    .set(change)
    .where("id", "=", id)
    .where("status", "in", from)
    .returning("content_id")
    .executeTakeFirst();
  if (!moved) return false;
  await setListedStatus(tx, moved.content_id, change.status);
  return true;
}

/** A step of a distribution, by what it belongs to. */
interface StepKey {
  readonly distributionId: string;
  readonly itemId: string;
}

interface StepChange {
  readonly status: StepStatus;
  readonly error?: string;
  readonly verifiedDigest?: string;
}

/** The statement that moves one step, if it is in one of these states. */
export const moveStep = (
  db: Database,
  key: StepKey,
  from: readonly StepStatus[],
  change: StepChange,
  now: Date,
) =>
  db
    .updateTable("distribution_steps")
    .set({
      status: change.status,
      error: change.error ?? "",
      verified_digest: change.verifiedDigest ?? null,
      updated_at: now.getTime(),
    })
    .where("distribution_id", "=", key.distributionId)
    .where("item_id", "=", key.itemId)
    .where("status", "in", from);

/** Moves the steps of these items that are in one of these states. */
export async function moveStepsOf(
  db: Database,
  distributionId: string,
  itemIds: readonly string[],
  from: readonly StepStatus[],
  { status, error, now }: { readonly status: StepStatus; readonly error: string; readonly now: Date },
): Promise<void> {
  for (const block of inBlocks(itemIds))
    await db
      .updateTable("distribution_steps")
      .set({ status, error, updated_at: now.getTime() })
      .where("distribution_id", "=", distributionId)
      .where("item_id", "in", block)
      .where("status", "in", from)
      .execute();
}

/** Moves every step of a distribution that is in one of these states. */
export async function moveSteps(
  db: Database,
  distributionId: string,
  from: readonly StepStatus[],
  change: { readonly status: StepStatus; readonly error: string },
  now: Date,
): Promise<void> {
  await db
    .updateTable("distribution_steps")
    .set({ ...change, updated_at: now.getTime() })
    .where("distribution_id", "=", distributionId)
    .where("status", "in", from)
    .execute();
}
