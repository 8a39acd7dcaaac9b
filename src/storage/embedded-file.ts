import { chmodSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { DATABASE_FILE } from "./data-directory.ts";
import type { Statement, StatementResult, WorkerRole } from "./embedded-protocol.ts";

/** Statements kept prepared; the program has a few hundred different ones. */
const PREPARED_LIMIT = 500;
const BUSY_MILLIS = 5_000;

/** The error code of a directory that another process owns. */
export const DIRECTORY_OWNED = "HEADGATE_DIRECTORY_OWNED";

/** One thread's connection to the database file. */
export interface EmbeddedFile {
  readonly run: (statement: Statement) => StatementResult;
  readonly inTransaction: () => boolean;
  /** Ends the open transaction, if SQLite has not ended it already. */
  readonly rollback: () => void;
  readonly close: () => void;
}

/** Opens the database of a directory. The writer first takes the directory for this process. */
export function openEmbeddedFile({ role, directory }: WorkerRole): EmbeddedFile {
  const lock = role === "writer" ? ownDirectory(directory) : null;
  const db = new Sqlite(join(directory, DATABASE_FILE), {
    readonly: role === "reader",
    timeout: BUSY_MILLIS,
  });
  if (role === "writer") {
    chmodSync(db.name, 0o600);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
  }
  db.pragma("foreign_keys = ON");
  const prepare = preparedStatements(db);
  return {
    run: (statement) => run(prepare(statement.sql), statement.parameters),
    inTransaction: () => db.inTransaction,
    rollback: () => {
      if (db.inTransaction) db.exec("rollback");
    },
    close: () => {
      db.close();
      lock?.close();
    },
  };
}

/**
 * Holds SQLite's own exclusive lock on a second tiny file for as long as the process lives; the kernel
 * drops it with the process, also after a kill -9, so that no stale lock is ever left to judge.
 */
function ownDirectory(directory: string): Sqlite.Database {
  const lock = new Sqlite(join(directory, "owner.lock"), { timeout: 0 });
  try {
    lock.exec("begin exclusive");
    return lock;
  } catch (error) {
    lock.close();
    if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith("SQLITE_BUSY")) throw error;
    throw Object.assign(
      new Error(
        `The data directory ${directory} is in use by another Headgate process: stop that one, or set HEADGATE_DATA_DIR to another directory`,
      ),
      { code: DIRECTORY_OWNED },
    );
  }
}

type Prepared = Sqlite.Statement<unknown[]>;

function preparedStatements(db: Sqlite.Database): (sql: string) => Prepared {
  const prepared = new Map<string, Prepared>();
  return (sql) => {
    const known = prepared.get(sql) ?? db.prepare<unknown[]>(sql);
    prepared.delete(sql);
    prepared.set(sql, known);
    const oldest = prepared.keys().next();
    if (prepared.size > PREPARED_LIMIT && !oldest.done) prepared.delete(oldest.value);
    return known;
  };
}

function run(statement: Prepared, parameters: readonly unknown[]): StatementResult {
  if (!statement.reader) return { rows: [], written: statement.run(...parameters).changes };
  const rows = statement.all(...parameters);
  return { rows, written: statement.readonly ? null : rows.length };
}
