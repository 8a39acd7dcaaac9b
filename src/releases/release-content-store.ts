import type { Selectable } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import type { Tables } from "../storage/tables.ts";
import { FIRST_LISTED_STATUS } from "./listed-status-store.ts";
import type {
  FullContent,
  Packaging,
  ReleaseContent,
  ReleaseManifest,
  ReleaseSource,
} from "./release-content.ts";
import { addToCounts, blockForNext } from "./release-counter-store.ts";
import { filterKeysOf } from "./release-filter.ts";
import { insertItems, listItems } from "./release-item-store.ts";

export const toContent = (row: Selectable<Tables["release_contents"]>): ReleaseContent => ({
  id: row.id,
  releaseId: row.release_id,
  projectId: row.project_id,
  version: row.version,
  packaging: row.packaging as Packaging,
  source: row.source as ReleaseSource,
  environmentName: row.environment_name,
  production: row.production === 1,
  originalContentId: row.original_content_id,
  description: row.description,
  labels: JSON.parse(row.labels_json) as string[],
  targetConnectionId: row.target_connection_id,
  withReferrers: row.with_referrers === 1,
  createdBy: row.created_by,
  createdAt: fromMillis(row.created_at),
});

const toManifest = (row: Tables["release_manifests"]): ReleaseManifest => ({
  serviceName: row.service_name,
  receivedYaml: row.received_yaml,
  wireYaml: row.wire_yaml,
  renderedYaml: row.rendered_yaml,
});

/** Writes a content with all that it holds. A live content of the same release hits the index release_contents_live. */
export async function insertContent(db: Database, content: FullContent): Promise<void> {
  const block = await blockForNext(db, content.projectId);
  await db
    .insertInto("release_contents")
    .values({
      id: content.id,
      release_id: content.releaseId,
      project_id: content.projectId,
      version: content.version,
      packaging: content.packaging,
      source: content.source,
      environment_name: content.environmentName,
      production: content.production ? 1 : 0,
      original_content_id: content.originalContentId,
      description: content.description,
      labels_json: JSON.stringify(content.labels),
      target_connection_id: content.targetConnectionId,
      wire_extras_json: "{}",
      created_by: content.createdBy,
      created_at: content.createdAt.getTime(),
      deleted_at: null,
      block,
      distribution_status: FIRST_LISTED_STATUS,
      with_referrers: content.withReferrers ? 1 : 0,
    })
    .execute();
  await insertLabels(db, content, block);
  const filters = filterKeysOf(FIRST_LISTED_STATUS, content.labels);
  addToCounts(db, { projectId: content.projectId, block }, filters, 1);
  await insertManifests(db, content.id, content.manifests);
  await insertItems(db, content.id, content.items);
}

async function insertLabels(db: Database, content: FullContent, block: number): Promise<void> {
  const rows = [...new Set(content.labels)].map((label) => ({
    content_id: content.id,
    label,
    project_id: content.projectId,
    block,
    created_at: content.createdAt.getTime(),
    distribution_status: FIRST_LISTED_STATUS,
  }));
  if (rows.length > 0) await db.insertInto("release_labels").values(rows).execute();
}

async function insertManifests(
  db: Database,
  contentId: string,
  manifests: readonly ReleaseManifest[],
): Promise<void> {
  const rows = manifests.map((manifest, position) => ({
    content_id: contentId,
    service_name: manifest.serviceName,
    position,
    received_yaml: manifest.receivedYaml,
    wire_yaml: manifest.wireYaml,
    rendered_yaml: manifest.renderedYaml,
  }));
  for (const block of inBlocks(rows)) await db.insertInto("release_manifests").values(block).execute();
}

/** Writes the YAML of one service with pinned references. */
export async function setRenderedYaml(
  db: Database,
  contentId: string,
  serviceName: string,
  renderedYaml: string,
): Promise<void> {
  await db
    .updateTable("release_manifests")
    .set({ rendered_yaml: renderedYaml })
    .where("content_id", "=", contentId)
    .where("service_name", "=", serviceName)
    .execute();
}

/** The content with this id, unless it is deleted. */
export async function findContent(db: Database, id: string): Promise<ReleaseContent | null> {
  const row = await db
    .selectFrom("release_contents")
    .selectAll()
    .where("id", "=", id)
    .where("deleted_at", "is", null)
    .executeTakeFirst();
  return row ? toContent(row) : null;
}

/** The live content of a project's release of this version. */
export async function findContentByVersion(
  db: Database,
  projectId: string,
  version: string,
): Promise<ReleaseContent | null> {
  const row = await db
    .selectFrom("release_contents as content")
    .innerJoin("releases as release", "release.id", "content.release_id")
    .selectAll("content")
    .where("release.project_id", "=", projectId)
    .where("release.version", "=", version)
    .where("content.deleted_at", "is", null)
    .executeTakeFirst();
  return row ? toContent(row) : null;
}

/** Adds services' YAML and images, in the order in which they were given. */
export async function withDetails(db: Database, content: ReleaseContent): Promise<FullContent> {
  const manifests = await listManifests(db, content.id);
  return { ...content, manifests, items: await listItems(db, content.id) };
}

/** The content with this id and all that it holds, read at once: outside of a transaction only. */
export async function findFullContent(db: Database, id: string): Promise<FullContent | null> {
  const [content, manifests, items] = await Promise.all([
    findContent(db, id),
    listManifests(db, id),
    listItems(db, id),
  ]);
  return content && { ...content, manifests, items };
}

async function listManifests(db: Database, contentId: string): Promise<ReleaseManifest[]> {
  const rows = await db
    .selectFrom("release_manifests")
    .selectAll()
    .where("content_id", "=", contentId)
    .orderBy("position")
    .execute();
  return rows.map(toManifest);
}

/** Marks the content deleted: its name is free, and no list shows it from now on. False: it was deleted already. */
export async function markDeleted(tx: Database, id: string, now: Date): Promise<boolean> {
  const deleted = await tx
    .updateTable("release_contents")
    .set({ deleted_at: now.getTime() })
    .where("id", "=", id)
    .where("deleted_at", "is", null)
    .returning(["project_id", "block", "distribution_status"])
    .executeTakeFirst();
  if (!deleted) return false;
  const labelled = await tx
    .deleteFrom("release_labels")
    .where("content_id", "=", id)
    .returning("label")
    .execute();
  const labels = labelled.map(({ label }) => label);
  const place = { projectId: deleted.project_id, block: deleted.block };
  addToCounts(tx, place, filterKeysOf(deleted.distribution_status, labels), -1);
  return true;
}
