import { sql } from "kysely";
import { fromMillis, toMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import type { Tables } from "../storage/tables.ts";
import type { ReleaseItem } from "./release-item.ts";

const toItem = (row: Tables["release_items"]): ReleaseItem => ({
  id: row.id,
  serviceName: row.service_name,
  containerName: row.container_name,
  imageName: row.image_name,
  sourceImage: row.source_image,
  sourceTag: row.source_tag,
  targetImage: row.target_image,
  targetTag: row.target_tag,
  push: row.push === 1,
  source: { connectionId: row.source_connection_id, repository: row.source_repository },
  target: { connectionId: row.target_connection_id, repository: row.target_repository },
  sourceDigest: row.source_digest,
  pinnedDigest: row.pinned_digest,
  pinnedAt: fromMillis(row.pinned_at),
  pinProblem: row.pin_problem,
});

const toRow = (contentId: string, position: number, item: ReleaseItem): Tables["release_items"] => ({
  id: item.id,
  content_id: contentId,
  service_name: item.serviceName,
  position,
  container_name: item.containerName,
  image_name: item.imageName,
  source_image: item.sourceImage,
  source_tag: item.sourceTag,
  target_image: item.targetImage,
  target_tag: item.targetTag,
  push: item.push ? 1 : 0,
  source_connection_id: item.source.connectionId,
  source_repository: item.source.repository,
  target_connection_id: item.target.connectionId,
  target_repository: item.target.repository,
  source_digest: item.sourceDigest,
  pinned_digest: item.pinnedDigest,
  pinned_at: toMillis(item.pinnedAt),
  pin_problem: item.pinProblem,
});

export async function insertItems(
  db: Database,
  contentId: string,
  items: readonly ReleaseItem[],
): Promise<void> {
  const rows = items.map((item, position) => toRow(contentId, position, item));
  const rowsPerStatement = 100;
  for (let start = 0; start < rows.length; start += rowsPerStatement)
    await db
      .insertInto("release_items")
      .values(rows.slice(start, start + rowsPerStatement))
      .execute();
}

export async function listItems(db: Database, contentId: string): Promise<ReleaseItem[]> {
  const rows = await db
    .selectFrom("release_items")
    .selectAll()
    .where("content_id", "=", contentId)
    .orderBy("position")
    .execute();
  return rows.map(toItem);
}

/** A pin, by the item's id. */
export interface ItemPin {
  readonly itemId: string;
  readonly digest: string;
}

/** Pins items. A pin never changes: an item that has one keeps it. */
export async function pinItems(db: Database, pins: readonly ItemPin[], now: Date): Promise<void> {
  for (const block of inBlocks(pins)) {
    const cases = block.map(({ itemId, digest }) => sql`when ${itemId} then cast(${digest} as text)`);
    await db
      .updateTable("release_items")
      .set({
        pinned_digest: sql<string>`case id ${sql.join(cases, sql` `)} end`,
        pinned_at: now.getTime(),
        pin_problem: null,
      })
      .where(
        "id",
        "in",
        block.map(({ itemId }) => itemId),
      )
      .where("pinned_digest", "is", null)
      .execute();
  }
}

/** Says why an item has no pin. */
export async function setPinProblem(db: Database, id: string, problem: string): Promise<void> {
  await db
    .updateTable("release_items")
    .set({ pin_problem: problem })
    .where("id", "=", id)
    .where("pinned_digest", "is", null)
    .execute();
}
