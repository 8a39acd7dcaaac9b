import type { Database } from "../storage/database.ts";

/** Voids every link made so far and keeps this one. */
export async function replaceLinks(db: Database, secretHash: string, expiresAt: Date): Promise<void> {
  await db.deleteFrom("sign_up_links").execute();
  await db
    .insertInto("sign_up_links")
    .values({ secret_hash: secretHash, expires_at: expiresAt.getTime(), used_at: null })
    .execute();
}

export async function isLinkOpen(db: Database, secretHash: string, now: Date): Promise<boolean> {
  const row = await db
    .selectFrom("sign_up_links")
    .select("used_at")
    .where("secret_hash", "=", secretHash)
    .where("expires_at", ">", now.getTime())
    .where("used_at", "is", null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Uses the link up. False when it is unknown, used or too old; of two at once one gets true. */
export async function useLink(db: Database, secretHash: string, now: Date): Promise<boolean> {
  const result = await db
    .updateTable("sign_up_links")
    .set({ used_at: now.getTime() })
    .where("secret_hash", "=", secretHash)
    .where("expires_at", ">", now.getTime())
    .where("used_at", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
