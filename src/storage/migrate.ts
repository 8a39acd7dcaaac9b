import { sql } from "kysely";
import type { Database } from "./database.ts";
import { factsOf } from "./engine.ts";
import { type Migration, statementFor } from "./migration.ts";
import { migrations } from "./migrations.ts";

/**
 * Brings the schema up to date; returns the names of the migrations that ran. Each runs in a transaction of
 * its own with its row in `schema_migrations`. Replicas that start at once take turns.
 * Throws an Error when the database was made by a newer Headgate.
 */
export async function migrate(
  db: Database,
  list: readonly Migration[] = migrations,
): Promise<readonly string[]> {
  await inSchemaTransaction(db, (tx) => createJournal(tx));
  const ran: string[] = [];
  for (const migration of list)
    if (await inSchemaTransaction(db, (tx) => runMigration(tx, migration, list))) ran.push(migration.name);
  return ran;
}

/** Not `runTransaction`: building an index may take longer than other transactions may live. */
const inSchemaTransaction = <T>(db: Database, work: (tx: Database) => Promise<T>): Promise<T> =>
  db.transaction().execute(async (tx) => {
    for (const statement of factsOf(tx).schemaTransaction) await sql.raw(statement).execute(tx);
    return work(tx);
  });

async function createJournal(tx: Database): Promise<void> {
  const statement =
    "create table if not exists schema_migrations (name text primary key, applied_at bigint not null)";
  await sql.raw(statementFor(factsOf(tx), statement)).execute(tx);
}

async function runMigration(
  tx: Database,
  migration: Migration,
  list: readonly Migration[],
): Promise<boolean> {
  const applied = await tx.selectFrom("schema_migrations").select("name").execute();
  refuseNewer(
    applied.map(({ name }) => name),
    list,
  );
  if (applied.some(({ name }) => name === migration.name)) return false;
  const facts = factsOf(tx);
  for (const statement of migration.statements) await sql.raw(statementFor(facts, statement)).execute(tx);
  await tx
    .insertInto("schema_migrations")
    .values({ name: migration.name, applied_at: sql.raw<number>(facts.nowMillis) })
    .execute();
  return true;
}

function refuseNewer(applied: readonly string[], list: readonly Migration[]): void {
  const unknown = applied.filter((name) => !list.some((migration) => migration.name === name));
  if (unknown.length > 0)
    throw new Error(
      `The database was made by a newer Headgate (it has ${unknown.join(", ")}): start that version, or restore a backup`,
    );
}
