import { sql } from "kysely";
import type { Digest } from "../kernel/digest.ts";
import type { Database } from "../storage/database.ts";

/** What a tag names; null when there is no such tag. */
export async function findTag(db: Database, repositoryId: string, name: string): Promise<Digest | null> {
  const row = await db
    .selectFrom("tags")
    .select("digest")
    .where("repository_id", "=", repositoryId)
    .where("name", "=", name)
    .executeTakeFirst();
  return row?.digest ?? null;
}

/** Makes the tag name this digest, whatever it named before. */
export async function putTag(
  db: Database,
  repositoryId: string,
  tag: { readonly name: string; readonly digest: Digest },
  now: Date,
): Promise<void> {
  const at = now.getTime();
  await db
    .insertInto("tags")
    .values({ repository_id: repositoryId, name: tag.name, digest: tag.digest, updated_at: at })
    .onConflict((conflict) =>
      conflict.columns(["repository_id", "name"]).doUpdateSet({ digest: tag.digest, updated_at: at }),
    )
    .execute();
}

/** Deletes a tag; returns what it named, or null when there is no such tag. */
export async function deleteTagRow(db: Database, repositoryId: string, name: string): Promise<Digest | null> {
  const row = await db
    .deleteFrom("tags")
    .where("repository_id", "=", repositoryId)
    .where("name", "=", name)
    .returning("digest")
    .executeTakeFirst();
  return row?.digest ?? null;
}

/** Deletes every tag that names this digest; returns their names. */
export async function deleteTagsOf(db: Database, repositoryId: string, digest: Digest): Promise<string[]> {
  const rows = await db
    .deleteFrom("tags")
    .where("repository_id", "=", repositoryId)
    .where("digest", "=", digest)
    .returning("name")
    .execute();
  return rows.map((row) => row.name).toSorted();
}

/** Tag names without regard to case, then by it, behind `last` ("" is before all). */
export async function listTagNames(
  db: Database,
  repositoryId: string,
  page: { readonly last: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom("tags")
    .select("name")
    .where("repository_id", "=", repositoryId)
    .where(sql<boolean>`(lower(name), name) > (${page.last.toLowerCase()}, ${page.last})`)
    .orderBy(sql`lower(name)`)
    .orderBy("name")
    .limit(page.limit)
    .execute();
  return rows.map((row) => row.name);
}
