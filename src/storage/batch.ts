import type { Compilable, CompiledQuery, QueryResult } from "kysely";
import type { Database } from "./database.ts";
import { servicesOf } from "./engine-services.ts";

/** What one statement of a batch gave. */
export interface BatchResult {
  readonly rows: readonly Record<string, unknown>[];
  /** Rows written; null for a statement that only reads. */
  readonly written: number | null;
}

/** The rows that a statement of a batch gave, of the type that it says. */
export const rowsOf = <Row>(_: Compilable<Row>, result: BatchResult | undefined): readonly Row[] =>
  (result?.rows ?? []) as readonly Row[];

/**
 * Runs the statements in order, all of them or none, in one hop and one commit: the hot path.
 * On a transaction it joins that. `BatchResult`s come in the order of the statements.
 */
export async function batch(db: Database, queries: readonly Compilable[]): Promise<readonly BatchResult[]> {
  if (queries.length === 0) return [];
  return (await runBatch(db, queries, null)) ?? [];
}

/**
 * Like `batch`, on a condition: when `guard` (an update with a where clause, say) writes no row,
 * nothing is written and the answer is null. The guard's own result comes first.
 */
export const batchIf = (
  db: Database,
  guard: Compilable,
  queries: readonly Compilable[],
): Promise<readonly BatchResult[] | null> => runBatch(db, [guard, ...queries], 0);

/**
 * The same with the guard as the last statement, for a row that others lock last. On a transaction a null means that
 * the caller must end it by throwing: what came before the guard is written.
 */
export const batchThenIf = (
  db: Database,
  queries: readonly Compilable[],
  guard: Compilable,
): Promise<readonly BatchResult[] | null> => runBatch(db, [...queries, guard], queries.length);

/** `guard`: the place of the statement that must write a row. */
async function runBatch(
  db: Database,
  queries: readonly Compilable[],
  guard: number | null,
): Promise<readonly BatchResult[] | null> {
  const compiled = queries.map((query) => query.compile());
  if (!db.isTransaction)
    return (await servicesOf(db).batch(compiled, guard)) as readonly BatchResult[] | null;
  return guard === null ? await atOnce(db, compiled) : await oneByOne(db, compiled, guard);
}

async function oneByOne(
  tx: Database,
  queries: readonly CompiledQuery[],
  guard: number,
): Promise<readonly BatchResult[] | null> {
  const results: BatchResult[] = [];
  for (const query of queries) {
    const result = toResult(await tx.executeQuery<Record<string, unknown>>(query));
    if (guard === results.length && !result.written) return null;
    results.push(result);
  }
  return results;
}

/** Hands all of them over before the first has answered; when one fails the transaction can only be rolled back. */
async function atOnce(tx: Database, queries: readonly CompiledQuery[]): Promise<readonly BatchResult[]> {
  const ended = await tx
    .getExecutor()
    .provideConnection((connection) =>
      Promise.allSettled(queries.map((query) => connection.executeQuery<Record<string, unknown>>(query))),
    );
  return ended.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return toResult(each.value);
  });
}

const toResult = ({ rows, numAffectedRows }: QueryResult<Record<string, unknown>>): BatchResult => ({
  rows,
  written: numAffectedRows === undefined ? null : Number(numAffectedRows),
});
