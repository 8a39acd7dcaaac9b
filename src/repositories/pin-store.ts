import type { Digest } from "../kernel/digest.ts";
import type { Database } from "../storage/database.ts";

/** A release that holds on to something in the registry inside. */
export interface PinningRelease {
  readonly projectId: string;
  readonly projectKey: string;
  readonly version: string;
}

/** How deep indexes may lie in indexes. */
const MAX_DEPTH = 8;

/** The manifest itself and every index of the repository that leads to it. */
async function withIndexes(db: Database, repositoryId: string, digest: Digest): Promise<Digest[]> {
  const found = new Set([digest]);
  let level: Digest[] = [digest];
  for (let depth = 0; level.length > 0 && depth < MAX_DEPTH; depth += 1) {
    const rows = await db
      .selectFrom("manifest_references")
      .select("manifest_digest")
      .where("repository_id", "=", repositoryId)
      .where("digest", "in", level)
      .execute();
    level = rows.map((row) => row.manifest_digest).filter((parent) => !found.has(parent));
    for (const parent of level) found.add(parent);
  }
  return [...found];
}

/**
 * A release, not deleted, that pins this manifest or an index that leads to it, as source or as target; as an image or
 * as what is attached to one.
 */
export async function findPinningRelease(
  db: Database,
  repository: { readonly id: string; readonly name: string },
  digest: Digest,
): Promise<PinningRelease | null> {
  const digests = await withIndexes(db, repository.id, digest);
  const builtIn = db.selectFrom("connections").select("id").where("built_in", "=", 1);
  const row = await db
    .selectFrom("release_items as item")
    .innerJoin("release_contents as content", "content.id", "item.content_id")
    .innerJoin("projects as project", "project.id", "content.project_id")
    .select(["content.project_id", "project.key", "content.version"])
    .where((where) =>
      where.or([
        where("item.pinned_digest", "in", digests),
        where("item.id", "in", (from) =>
          from.selectFrom("release_item_referrers").select("item_id").where("digest", "in", digests),
        ),
      ]),
    )
    .where("content.deleted_at", "is", null)
    .where((where) =>
      where.or([
        where.and([
          where("item.source_repository", "=", repository.name),
          where("item.source_connection_id", "in", builtIn),
        ]),
        where.and([
          where("item.target_repository", "=", repository.name),
          where("item.target_connection_id", "in", builtIn),
        ]),
      ]),
    )
    .orderBy("content.created_at")
    .orderBy("content.id")
    .executeTakeFirst();
  return row ? { projectId: row.project_id, projectKey: row.key, version: row.version } : null;
}
