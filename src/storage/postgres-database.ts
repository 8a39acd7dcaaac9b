import { type Dialect, PostgresAdapter, PostgresDialect } from "kysely";
import pg from "pg";
import { messageOf } from "../kernel/errors.ts";
import { postgresBatch } from "./postgres-batch.ts";
import { postgresWakeUps } from "./postgres-wake-ups.ts";
import type { EngineFacts } from "./engine.ts";
import type { AdapterWithServices } from "./engine-services.ts";

const OLDEST_VERSION = 14;
const POOL_SIZE = 10;
const CONNECT_MILLIS = 10_000;
const STATEMENT_MILLIS = 30_000;
/** Under the limit of a transaction, so that a wait for a row ends with PostgreSQL's own words. */
const LOCK_MILLIS = 4_000;
const IDLE_IN_TRANSACTION_MILLIS = 10_000;
/** Any number of our own: replicas that start at once take turns by it. */
const SCHEMA_LOCK = 7_420_001;

const facts: EngineFacts = {
  skipLocked: true,
  notify: true,
  shared: true,
  textCollation: ' collate "C"',
  transactionIdColumn: "bigint default (pg_current_xact_id()::text::bigint)",
  nowMillis: "(extract(epoch from clock_timestamp()) * 1000)::bigint",
  schemaTransaction: [
    "set local lock_timeout = 0",
    "set local statement_timeout = 0",
    `select pg_advisory_xact_lock(${SCHEMA_LOCK})`,
  ],
};

// Counts and sums come as int8 and numeric; ours stay below 2^53 (milliseconds, bytes), so they are numbers.
const NUMBERS = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.NUMERIC]);
const types = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    NUMBERS.has(oid) && format !== "binary"
      ? Number
      : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser,
};

export interface PostgresOptions {
  readonly url: string;
  /** Connections at most; 10 when not given. */
  readonly poolSize?: number;
}

/** Connects to PostgreSQL 14 or newer. */
export async function openPostgres({ url, poolSize = POOL_SIZE }: PostgresOptions): Promise<Dialect> {
  const options: pg.ClientConfig = {
    connectionString: url,
    application_name: "headgate",
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MILLIS,
    types,
  };
  const pool = new pg.Pool({
    ...options,
    max: poolSize,
    statement_timeout: STATEMENT_MILLIS,
    lock_timeout: LOCK_MILLIS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MILLIS,
  });
  // The pool drops a connection that breaks while idle and makes another when one is needed.
  pool.on("error", () => undefined);
  const listening = postgresWakeUps(pool, options);
  const close = async (): Promise<void> => {
    await listening.close();
    await pool.end();
  };
  try {
    await refuseOldVersion(pool);
  } catch (error) {
    await close();
    throw error;
  }
  const dialect = new PostgresDialect({ pool: { connect: () => pool.connect(), end: close, options: {} } });
  const services = { batch: postgresBatch(pool), wakeUps: listening.wakeUps };
  const adapter: PostgresAdapter & AdapterWithServices = Object.assign(new PostgresAdapter(), {
    facts,
    services,
  });
  return {
    createAdapter: () => adapter,
    createDriver: () => dialect.createDriver(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

async function refuseOldVersion(pool: pg.Pool): Promise<void> {
  const version = await serverVersion(pool);
  if (version < OLDEST_VERSION)
    throw new Error(
      `Headgate needs PostgreSQL ${OLDEST_VERSION} or newer, and DATABASE_URL leads to version ${version}`,
    );
}

async function serverVersion(pool: pg.Pool): Promise<number> {
  try {
    const { rows } = await pool.query<{ server_version_num: string }>("show server_version_num");
    return Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  } catch (error) {
    throw new Error(`PostgreSQL cannot be reached with DATABASE_URL: ${messageOf(error)}`, { cause: error });
  }
}
