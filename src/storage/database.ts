import { Kysely } from "kysely";
import type { OpenEngine } from "./engine-services.ts";
import type { Tables } from "./tables.ts";

/** The database, or a transaction of it: stores take either. */
export type Database = Kysely<Tables>;

export type DatabaseOptions =
  | {
      readonly kind: "embedded";
      /** The data directory; it is made when it is not there, and belongs to one process. */
      readonly directory: string;
      /** Told once when a database thread stops by itself; the process should end then. */
      readonly onFatal?: (error: Error) => void;
    }
  | {
      readonly kind: "postgres";
      readonly url: string;
      /** Connections at most; 10 when not given. */
      readonly poolSize?: number;
    };

export interface OpenDatabase {
  readonly db: Database;
  /** Ends what runs, refuses what comes later; a second call waits for the first. */
  readonly close: () => Promise<void>;
}

/** Opens the embedded database or connects to PostgreSQL. Throws an Error whose message an operator can act on. */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const { dialect, close } = await openEngine(options);
  const db = new Kysely<Tables>({ dialect });
  let closed: Promise<void> | null = null;
  // Kysely alone would not close what no query has used yet.
  return { db, close: () => (closed ??= db.destroy().then(close)) };
}

/** Only the engine that is used is loaded. */
async function openEngine(options: DatabaseOptions): Promise<OpenEngine> {
  if (options.kind === "postgres") {
    const { openPostgres } = await import("./postgres-database.ts");
    return openPostgres(options);
  }
  const { openEmbedded } = await import("./embedded-database.ts");
  return openEmbedded(options.directory, options.onFatal ?? (() => undefined));
}
