import type { DistributionStatus } from "../distributions/distribution.ts";
import type { Database } from "../storage/database.ts";
import { forChange } from "../storage/for-change.ts";
import { addToCounts } from "./release-counter-store.ts";
import { filterKeysOf } from "./release-filter.ts";

/** The status by which lists know a content until its distribution says another one. */
export const FIRST_LISTED_STATUS: DistributionStatus = "creating";

/** Moves a content in the lists to what its distribution has become, in the transaction that changes that. */
export async function setListedStatus(
  tx: Database,
  contentId: string,
  status: DistributionStatus,
): Promise<void> {
  // Locked: then nobody else moves or deletes it before the commit, and this is what was counted.
  const content = tx
    .selectFrom("release_contents")
    .select(["project_id", "block", "distribution_status", "deleted_at"])
    .where("id", "=", contentId)
    .where("distribution_status", "!=", status);
  const before = await forChange(tx, content).executeTakeFirst();
  if (!before) return;
  await tx
    .updateTable("release_contents")
    .set({ distribution_status: status })
    .where("id", "=", contentId)
    .execute();
  const labelled = await tx
    .updateTable("release_labels")
    .set({ distribution_status: status })
    .where("content_id", "=", contentId)
    .returning("label")
    .execute();
  if (before.deleted_at !== null) return;
  const place = { projectId: before.project_id, block: before.block };
  const labels = labelled.map(({ label }) => label);
  addToCounts(tx, place, filterKeysOf(before.distribution_status, labels), -1);
  addToCounts(tx, place, filterKeysOf(status, labels), 1);
}
