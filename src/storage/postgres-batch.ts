import type pg from "pg";
import type { Statement, StatementResult } from "./embedded-protocol.ts";
import type { EngineServices } from "./engine-services.ts";

/** Runs statements in one transaction of a connection from the pool. */
export const postgresBatch =
  (pool: pg.Pool): EngineServices["batch"] =>
  async (statements, guarded) => {
    const client = await pool.connect();
    try {
      await client.query("begin");
      const results = await runStatements(client, statements, guarded);
      await client.query(results ? "commit" : "rollback");
      client.release();
      return results;
    } catch (error) {
      await client.query("rollback").then(
        () => client.release(),
        // A connection that cannot roll back is not used again.
        () => client.release(true),
      );
      throw error;
    }
  };

async function runStatements(
  client: pg.PoolClient,
  statements: readonly Statement[],
  guarded: boolean,
): Promise<readonly StatementResult[] | null> {
  const results: StatementResult[] = [];
  for (const { sql, parameters } of statements) {
    const { command, rowCount, rows } = await client.query<Record<string, unknown>>(sql, [...parameters]);
    const written = command === "SELECT" ? null : (rowCount ?? 0);
    if (guarded && results.length === 0 && !written) return null;
    results.push({ rows, written });
  }
  return results;
}
