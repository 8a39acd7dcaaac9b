import type { PostgresPoolClient } from "kysely";
import pg from "pg";
import { DatabaseAwayError, messageOf } from "../kernel/errors.ts";
import { begunAhead } from "./begun-ahead.ts";

/** Takes a connection from the pool, or makes one. It and its queries throw DatabaseAwayError when PostgreSQL is gone. */
export async function takeClient(pool: pg.Pool): Promise<PostgresPoolClient> {
  const client = await pool.connect().catch((error: unknown) => {
    throw away(error);
  });
  const send = async (sql: string, parameters: readonly unknown[]): Promise<pg.QueryResult> => {
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      throw saysThatItIsGone(error) ? away(error) : error;
    }
  };
  // Kysely would hand over cursors too, but only to stream.
  return {
    query: begunAhead(send, NOTHING) as unknown as PostgresPoolClient["query"],
    release: (destroy) => client.release(destroy),
  };
}

const NOTHING: pg.QueryResult = { command: "BEGIN", rowCount: null, oid: 0, fields: [], rows: [] };

const away = (error: unknown): DatabaseAwayError =>
  new DatabaseAwayError(`PostgreSQL does not answer: ${messageOf(error)}`, { cause: error });

/** Shut down by an admin, by a crash, not started yet (PostgreSQL's manual, appendix A: class 57). */
const LAST_WORDS = new Set(["57P01", "57P02", "57P03"]);

/** PostgreSQL's own refusals have its codes; what else fails a query is a connection that is gone. */
const saysThatItIsGone = (error: unknown): boolean =>
  error instanceof pg.DatabaseError ? LAST_WORDS.has(error.code ?? "") : !(error instanceof TypeError);
