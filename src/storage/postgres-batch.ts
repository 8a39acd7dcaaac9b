import type { PostgresPoolClient } from "kysely";
import { retryAfterDeadlock } from "./deadlock-retry.ts";
import type { Statement, StatementResult } from "./embedded-protocol.ts";
import type { EngineServices } from "./engine-services.ts";

/** Runs statements in one transaction of a connection from the pool. */
export const postgresBatch =
  (connect: () => Promise<PostgresPoolClient>): EngineServices["batch"] =>
  (statements, guard) =>
    retryAfterDeadlock(() => runOnce(connect, statements, guard));

async function runOnce(
  connect: () => Promise<PostgresPoolClient>,
  statements: readonly Statement[],
  guard: number | null,
): Promise<readonly StatementResult[] | null> {
  const client = await connect();
  try {
    // One statement is a transaction by itself.
    if (statements.length > 1) await client.query("begin", []);
    const results = await runStatements(client, statements, guard);
    if (statements.length > 1) await client.query(results ? "commit" : "rollback", []);
    client.release();
    return results;
  } catch (error) {
    await client.query("rollback", []).then(
      () => client.release(),
      // A connection that cannot roll back is not used again.
      () => client.release(true),
    );
    throw error;
  }
}

async function runStatements(
  client: PostgresPoolClient,
  statements: readonly Statement[],
  guard: number | null,
): Promise<readonly StatementResult[] | null> {
  const results: StatementResult[] = [];
  for (const { sql, parameters } of statements) {
    const { command, rowCount, rows } = await client.query<Record<string, unknown>>(sql, parameters);
    const written = command === "SELECT" ? null : rowCount;
    if (guard === results.length && !written) return null;
    results.push({ rows, written });
  }
  return results;
}
