import { sql } from "kysely";
import type { Database } from "../../src/storage/database.ts";
import { factsOf } from "../../src/storage/engine.ts";

const ROWS_PER_STATEMENT = 50_000;

/** SQL for the id of the thing of this kind (a hex digit) with this number. */
export const idOf = (kind: string, number = "i"): string =>
  `'${kind.padEnd(14, "0")}' || cast(1000000000 + ${number} as text)`;

/** Runs `insert … select … from series` over the numbers i from 0 up to `count`, block by block: each block all of them in their order. */
export async function fillTables(db: Database, count: number, inserts: readonly string[]): Promise<void> {
  await db.connection().execute(async (one) => {
    if (factsOf(one).shared) {
      // What is inserted refers to what was inserted a statement before: looking it up a million times proves nothing.
      await sql`set session_replication_role = replica`.execute(one);
      await sql`set statement_timeout = 0`.execute(one);
    }
    for (let from = 0; from < count; from += ROWS_PER_STATEMENT)
      for (const insert of inserts)
        await sql.raw(inSeries(insert, from, Math.min(from + ROWS_PER_STATEMENT, count))).execute(one);
    if (factsOf(one).shared) await sql`reset all`.execute(one);
  });
}

/** The statement over the numbers from `from` up to `before`. */
const inSeries = (insert: string, from: number, before: number): string =>
  insert.replace(
    /\bselect\b/,
    `with recursive series (i) as (select ${from} union all select i + 1 from series where i + 1 < ${before}) select`,
  );

/** How long this work took. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}
