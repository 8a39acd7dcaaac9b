import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";

/** Which request this is: whose, for what, under which key. */
export interface RequestKey {
  readonly actor: string;
  readonly route: string;
  readonly key: string;
}

/** The first request with a key; its reply is null while it runs. `claimedAt` tells one claim from the next. */
export interface FirstRequest {
  readonly requestHash: string;
  readonly reply: string | null;
  readonly claimedAt: Date;
}

/** False when somebody has the key. */
export async function claim(
  db: Database,
  place: RequestKey,
  requestHash: string,
  now: Date,
): Promise<boolean> {
  const result = await db
    .insertInto("idempotency_keys")
    .values({ ...place, request_hash: requestHash, reply_json: null, created_at: now.getTime() })
    .onConflict((conflict) => conflict.columns(["actor", "route", "key"]).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function findRequest(db: Database, place: RequestKey): Promise<FirstRequest | null> {
  const row = await db
    .selectFrom("idempotency_keys")
    .selectAll()
    .where("actor", "=", place.actor)
    .where("route", "=", place.route)
    .where("key", "=", place.key)
    .executeTakeFirst();
  return row
    ? { requestHash: row.request_hash, reply: row.reply_json, claimedAt: fromMillis(row.created_at) }
    : null;
}

/** The claim of a request that died becomes ours; false when somebody was faster. */
export async function takeOver(
  db: Database,
  place: RequestKey,
  claimedAt: Date,
  now: Date,
): Promise<boolean> {
  const result = await db
    .updateTable("idempotency_keys")
    .set({ created_at: now.getTime() })
    .where("actor", "=", place.actor)
    .where("route", "=", place.route)
    .where("key", "=", place.key)
    .where("reply_json", "is", null)
    .where("created_at", "=", claimedAt.getTime())
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** False when the claim is not ours any more. */
export async function keepReply(
  db: Database,
  place: RequestKey,
  claimedAt: Date,
  reply: string,
): Promise<boolean> {
  const result = await db
    .updateTable("idempotency_keys")
    .set({ reply_json: reply })
    .where("actor", "=", place.actor)
    .where("route", "=", place.route)
    .where("key", "=", place.key)
    .where("reply_json", "is", null)
    .where("created_at", "=", claimedAt.getTime())
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Forgets a claim of ours that came to nothing. */
export async function release(db: Database, place: RequestKey, claimedAt: Date): Promise<void> {
  await db
    .deleteFrom("idempotency_keys")
    .where("actor", "=", place.actor)
    .where("route", "=", place.route)
    .where("key", "=", place.key)
    .where("reply_json", "is", null)
    .where("created_at", "=", claimedAt.getTime())
    .execute();
}

export async function forgetOlderThan(db: Database, moment: Date): Promise<void> {
  await db.deleteFrom("idempotency_keys").where("created_at", "<", moment.getTime()).execute();
}
