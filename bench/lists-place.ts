import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseOptions } from "../src/storage/database.ts";
import { startPostgres } from "../test/support/postgres-server.ts";

/** Where a benchmark's database is, for us and for the server's settings. */
export interface Place {
  readonly options: DatabaseOptions;
  readonly settings: Readonly<Record<string, string>>;
  /** SQL that tells the engine's version. */
  readonly askVersion: string;
  readonly close: () => Promise<void>;
}

/** An empty place: SQLite in the data directory of a server in `folder`, or a PostgreSQL of its own. */
export async function openPlace(engine: string, folder: string): Promise<Place> {
  if (engine === "SQLite")
    return {
      options: { kind: "embedded", directory: join(folder, "data") },
      settings: {},
      askVersion: "select sqlite_version() as version",
      close: async () => {},
    };
  if (engine !== "PostgreSQL") throw new Error(`--engine is SQLite or PostgreSQL, not ${engine}`);
  const postgres = await startPostgres();
  if (!postgres) throw new Error("not installed here: PostgreSQL. On Debian: apt-get install -y postgresql");
  const keyFile = join(folder, "key");
  await writeFile(keyFile, randomBytes(32).toString("base64"), { mode: 0o600 });
  return {
    options: { kind: "postgres", url: postgres.url },
    settings: { DATABASE_URL: postgres.url, HEADGATE_KEY_FILE: keyFile },
    askVersion: "select current_setting('server_version') as version",
    close: postgres.stop,
  };
}
