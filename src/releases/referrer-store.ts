import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import type { Referrer, ReferrerKind } from "./referrer.ts";

const toReferrer = (row: Tables["release_item_referrers"]): Referrer => ({
  digest: row.digest,
  kind: row.kind as ReferrerKind,
  subject: row.subject_digest,
  tag: row.tag === "" ? null : row.tag,
  mediaType: row.media_type,
  artifactType: row.artifact_type,
  sizeBytes: row.size_bytes,
  copied: row.copied_at !== null,
});

/** Notes what is attached to an item, in this order: a subject before what is attached to it. */
export async function insertReferrers(
  db: Database,
  itemId: string,
  referrers: readonly Referrer[],
): Promise<void> {
  if (referrers.length === 0) return;
  await db
    .insertInto("release_item_referrers")
    .values(
      referrers.map((referrer, position) => ({
        item_id: itemId,
        digest: referrer.digest,
        tag: referrer.tag ?? "",
        position,
        kind: referrer.kind,
        subject_digest: referrer.subject,
        media_type: referrer.mediaType,
        artifact_type: referrer.artifactType,
        size_bytes: referrer.sizeBytes,
        copied_at: null,
      })),
    )
    .execute();
}

/** What is attached to each item of a content, by the item's id. */
export async function listReferrersOf(
  db: Database,
  contentId: string,
): Promise<ReadonlyMap<string, readonly Referrer[]>> {
  const rows = await db
    .selectFrom("release_item_referrers as referrer")
    .innerJoin("release_items as item", "item.id", "referrer.item_id")
    .selectAll("referrer")
    .where("item.content_id", "=", contentId)
    .orderBy("referrer.position")
    .execute();
  const byItem = Map.groupBy(rows, (row) => row.item_id);
  return new Map(byItem.entries().map(([itemId, own]) => [itemId, own.map(toReferrer)]));
}

/** Notes that everything attached to this item is at its target. */
export const markReferrersCopied = (db: Database, itemId: string, now: Date) =>
  db
    .updateTable("release_item_referrers")
    .set({ copied_at: now.getTime() })
    .where("item_id", "=", itemId)
    .where("copied_at", "is", null);
