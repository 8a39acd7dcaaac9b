import { sql } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { factsOf } from "../storage/engine.ts";

/** The place of an event in its chain. */
export interface Seal {
  readonly serial: number;
  readonly sequence: number;
  readonly previousHash: string | null;
  readonly hash: string;
}

/** The last entry of a chain, as it was signed. */
export interface StoredHead {
  readonly sequence: number;
  readonly hash: string;
  readonly signature: string;
  readonly signedAt: Date;
}

const LEASE = "sealer";
const LEASE_MILLIS = 2_000;

/**
 * Takes or prolongs the right to seal; false while another process has it. Until the transaction ends nobody
 * else can take it, however long that lasts.
 */
export async function takeLease(db: Database, holder: string): Promise<boolean> {
  const now = sql.raw<number>(factsOf(db).nowMillis);
  const result = await db
    .updateTable("sealer_lease")
    .set({ holder, leased_until: sql<number>`${now} + ${sql.lit(LEASE_MILLIS)}` })
    .where("name", "=", LEASE)
    .where((where) => where.or([where("holder", "=", holder), where("leased_until", "<", now)]))
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Lets another process take the right to seal at once. */
export async function releaseLease(db: Database, holder: string): Promise<void> {
  await db.updateTable("sealer_lease").set({ leased_until: 0 }).where("holder", "=", holder).execute();
}

/** The chains with committed events that have no place yet. */
export async function listUnsealedChains(db: Database): Promise<string[]> {
  const rows = await db
    .selectFrom("events")
    .select("chain")
    .distinct()
    .where("sequence", "is", null)
    .orderBy("chain")
    .execute();
  return rows.map(({ chain }) => chain);
}

/** How many committed events have no place yet, in all chains. */
export async function countUnsealed(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom("events")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("sequence", "is", null)
    .executeTakeFirstOrThrow();
  return count;
}

/** Committed events of a chain without a place, in the order of their inserting. */
export const listUnsealed = (
  db: Database,
  chain: string,
  limit: number,
): Promise<{ serial: number; body_json: string }[]> =>
  db
    .selectFrom("events")
    .select(["serial", "body_json"])
    .where("chain", "=", chain)
    .where("sequence", "is", null)
    .orderBy("serial")
    .limit(limit)
    .execute();

export async function findHead(db: Database, chain: string): Promise<StoredHead | null> {
  const row = await db.selectFrom("chain_heads").selectAll().where("chain", "=", chain).executeTakeFirst();
  if (!row) return null;
  return {
    sequence: row.sequence,
    hash: row.hash,
    signature: row.signature,
    signedAt: fromMillis(row.signed_at),
  };
}

/** Gives these events their places. Throws when one of them has one already. */
export async function sealRows(db: Database, seals: readonly Seal[]): Promise<void> {
  const values = seals.map(
    ({ serial, sequence, previousHash, hash }) =>
      sql`(cast(${serial} as bigint), cast(${sequence} as bigint), cast(${previousHash} as text), cast(${hash} as text))`,
  );
  const result = await sql`
    update events set sequence = seal.column2, previous_hash = seal.column3, hash = seal.column4
    from (values ${sql.join(values)}) as seal
    where events.serial = seal.column1 and events.sequence is null`.execute(db);
  if (result.numAffectedRows !== BigInt(seals.length))
    throw new Error(`${seals.length} events were to be sealed, ${result.numAffectedRows ?? 0n} were`);
}

/** Moves the head of a chain on from `last`. Throws when it stands elsewhere. */
export async function moveHead(
  db: Database,
  chain: string,
  last: StoredHead | null,
  next: StoredHead,
): Promise<void> {
  const values = {
    sequence: next.sequence,
    hash: next.hash,
    signature: next.signature,
    signed_at: next.signedAt.getTime(),
  };
  const result = await db
    .insertInto("chain_heads")
    .values({ chain, ...values })
    .onConflict((conflict) =>
      conflict
        .column("chain")
        .doUpdateSet(values)
        .where("chain_heads.sequence", "=", last?.sequence ?? 0),
    )
    .executeTakeFirst();
  if (result.numInsertedOrUpdatedRows !== 1n)
    throw new Error(`the head of chain ${chain} was moved by somebody else`);
}
