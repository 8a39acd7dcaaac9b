import type { Compilable } from "kysely";
import type { Database } from "./database.ts";
import { servicesOf } from "./engine-services.ts";

/** What one statement of a batch gave. */
export interface BatchResult {
  readonly rows: readonly Record<string, unknown>[];
  /** Rows written; null for a statement that only reads. */
  readonly written: number | null;
}

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
  const results: BatchResult[] = [];
  for (const query of compiled) {
    const { rows, numAffectedRows } = await db.executeQuery<Record<string, unknown>>(query);
    const written = numAffectedRows === undefined ? null : Number(numAffectedRows);
    if (guard === results.length && !written) return null;
    results.push({ rows, written });
  }
  return results;
}
