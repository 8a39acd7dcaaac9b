import { CompiledQuery, type KyselyPlugin } from "kysely";
import { expect, test } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { listUnsealed, listUnsealedChains } from "../audit/seal-store.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import {
  claimCancelled,
  claimDue,
  findCancelledRuns,
  millisUntilDue,
  renewLeases,
  takeBackLeases,
} from "./lease-store.ts";
import { readTaskMetrics } from "./task-metrics.ts";
import { findLiveTask, markCancelled, wakeTask } from "./task-store.ts";

/*
 * What is asked again and again must not read what has ended or is sealed, however much of that there is. SQLite
 * judges by the schema alone; PostgreSQL is told to avoid what an index can spare it.
 */

const KINDS = [
  { name: "one", version: 1, free: 4 },
  { name: "other", version: 2, free: 1 },
];

const ASKED: Readonly<Record<string, (db: Database) => Promise<unknown>>> = {
  claimDue: (db) => claimDue(db, "me", 1_000, KINDS),
  claimCancelled: (db) => claimCancelled(db, "me", 1_000, KINDS),
  millisUntilDue: (db) => millisUntilDue(db, KINDS),
  renewLeases: (db) => renewLeases(db, "me", 1_000, ["a", "b"]),
  findCancelledRuns: (db) => findCancelledRuns(db, "me"),
  takeBackLeases: (db) => takeBackLeases(db, "expired"),
  findLiveTask: (db) => findLiveTask(db, "key"),
  markCancelled: (db) => markCancelled(db, "a", new Date()),
  wakeTask: (db) => wakeTask(db, "a"),
  readTaskMetrics: (db) => readTaskMetrics(db, KINDS),
  listUnsealedChains,
  listUnsealed: (db) => listUnsealed(db, "system", 500),
};

/** Remembers what passes through it. */
function statementsOf(db: Database) {
  const statements: CompiledQuery[] = [];
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      statements.push(db.getExecutor().compileQuery(node, queryId));
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return { watched: db.withPlugin(plugin), statements };
}

const READS_ALL =
  /^\s*SCAN (tasks|events)$|USING (COVERING )?INDEX (events_by_sequence|sqlite_autoindex_tasks_1)$|Seq Scan on (tasks|events)/;

eachEngine((engine) => {
  const isPostgres = engine.kind === "postgres";

  async function planOf(tx: Database, { sql, parameters }: CompiledQuery): Promise<string[]> {
    const explain = `${isPostgres ? "explain" : "explain query plan"} ${sql}`;
    const { rows } = await tx.executeQuery<Record<string, unknown>>(
      CompiledQuery.raw(explain, [...parameters]),
    );
    return rows.map((row) => String(isPostgres ? row["QUERY PLAN"] : row["detail"]));
  }

  test("nothing that is asked again and again reads the tasks that have ended or the events that are sealed", async () => {
    const { db } = await engine.open();
    const reading: string[] = [];
    for (const [name, ask] of Object.entries(ASKED)) {
      const { watched, statements } = statementsOf(db);
      await ask(watched);
      expect(statements).not.toEqual([]);
      await runTransaction(db, async (tx) => {
        if (isPostgres) await tx.executeQuery(CompiledQuery.raw("set local enable_seqscan = off"));
        for (const statement of statements)
          for (const line of await planOf(tx, statement))
            if (READS_ALL.test(line)) reading.push(`${name}: ${line}`);
      });
    }
    expect(reading).toEqual([]);
  });
});
