import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type QueryResult,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { refuseInTransaction } from "../kernel/transaction-scope.ts";
import { refuseOddParameters, type Statement, type StatementResult } from "./embedded-protocol.ts";
import type { HeldWriter, Writer } from "./embedded-writer.ts";
import type { EngineFacts } from "./engine.ts";
import type { AdapterWithServices, EngineServices } from "./engine-services.ts";

const facts: EngineFacts = {
  skipLocked: false,
  notify: false,
  shared: false,
  textCollation: "",
  serialColumn: "integer primary key",
  nowMillis: "cast(unixepoch('now', 'subsec') * 1000 as integer)",
  schemaTransaction: [],
};

/** The threads of an embedded database, as the dialect uses them. */
export interface EmbeddedThreads {
  readonly writer: Writer;
  readonly read: (statement: Statement) => Promise<StatementResult>;
  readonly close: () => Promise<void>;
}

/** Kysely's dialect over the worker threads; the facts and services travel with its adapter. */
export function embeddedDialect(threads: EmbeddedThreads, services: EngineServices): Dialect {
  const adapter: DialectAdapter & AdapterWithServices = {
    facts,
    services,
    supportsCreateIfNotExists: true,
    supportsMultipleConnections: true,
    supportsTransactionalDdl: true,
    supportsReturning: true,
    acquireMigrationLock: async () => {},
    releaseMigrationLock: async () => {},
  };
  return {
    createAdapter: () => adapter,
    createDriver: () => embeddedDriver(threads),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

interface OpenTransaction {
  readonly held: HeldWriter;
  /**
   * Why nothing more may run in it. After a failed statement PostgreSQL refuses everything; so does this,
   * lest code works on one engine only. What comes after the end would be a write by itself.
   */
  refusal: string | null;
}

const FAILED = "A statement of this transaction failed before: it can only be rolled back";
const ENDED = "The transaction has ended";

function embeddedDriver(threads: EmbeddedThreads): Driver {
  const transactions = new WeakMap<DatabaseConnection, OpenTransaction>();
  const openTransaction = (connection: DatabaseConnection): OpenTransaction => {
    const transaction = transactions.get(connection);
    if (!transaction) throw new Error("This connection is not in a transaction");
    return transaction;
  };
  const newConnection = (): DatabaseConnection => {
    const connection: DatabaseConnection = {
      executeQuery: async <Row>(query: CompiledQuery) => {
        refuseOddParameters(query);
        const transaction = transactions.get(connection);
        const result = transaction ? await runInside(transaction, query) : await runAlone(threads, query);
        return toQueryResult<Row>(result);
      },
      streamQuery: () => {
        throw new Error("The embedded database does not stream: ask page by page");
      },
    };
    return connection;
  };
  return {
    init: async () => {},
    acquireConnection: async () => {
      // Inside a transaction it would wait for its own end, or miss what the transaction wrote.
      refuseInTransaction("A query on the database instead of the open transaction");
      return newConnection();
    },
    releaseConnection: async (connection) => {
      transactions.get(connection)?.held.release();
      transactions.delete(connection);
    },
    beginTransaction: async (connection) => {
      transactions.set(connection, { held: await threads.writer.hold(), refusal: null });
    },
    commitTransaction: async (connection) => {
      const transaction = openTransaction(connection);
      if (transaction.refusal) throw new Error(transaction.refusal);
      transaction.refusal = ENDED;
      await transaction.held.commit();
    },
    rollbackTransaction: (connection) => {
      const transaction = openTransaction(connection);
      transaction.refusal = ENDED;
      return transaction.held.rollback();
    },
    destroy: async () => {},
  };
}

async function runInside(transaction: OpenTransaction, statement: Statement): Promise<StatementResult> {
  if (transaction.refusal) throw new Error(transaction.refusal);
  try {
    return await transaction.held.run({ sql: statement.sql, parameters: statement.parameters });
  } catch (error) {
    transaction.refusal ??= FAILED;
    throw error;
  }
}

async function runAlone(threads: EmbeddedThreads, query: CompiledQuery): Promise<StatementResult> {
  const statement = { sql: query.sql, parameters: query.parameters };
  if (onlyReads(query)) return threads.read(statement);
  const results = await threads.writer.write({ statements: [statement], guard: null });
  return results?.[0] ?? { rows: [], written: 0 };
}

// Kysely's own selects say so in their tree; of raw SQL, what begins with anything else may write.
const onlyReads = (query: CompiledQuery): boolean =>
  query.query.kind === "SelectQueryNode" ||
  (query.query.kind === "RawNode" && /^\s*select\b/i.test(query.sql));

const toQueryResult = <Row>({ rows, written }: StatementResult): QueryResult<Row> => ({
  rows: rows as Row[],
  ...(written === null ? {} : { numAffectedRows: BigInt(written) }),
});
