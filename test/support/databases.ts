import { randomBytes } from "node:crypto";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, inject } from "vitest";
import { type Database, type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";
import { DATABASE_FILE } from "../../src/storage/data-directory.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { onServer } from "./on-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A migrated database of a test's own. */
export interface TestDatabase {
  readonly db: Database;
  /** How this database was opened; for another connection to it, or a server on it. */
  readonly options: DatabaseOptions;
  /** Set on PostgreSQL. */
  readonly url?: string;
  /** Set on the embedded engine. */
  readonly directory?: string;
  readonly close: () => Promise<void>;
  /** Closes it and opens the same data again, as after a restart. */
  readonly reopen: () => Promise<TestDatabase>;
}

export interface Engine {
  readonly name: "SQLite" | "PostgreSQL";
  readonly kind: DatabaseOptions["kind"];
  /** A fresh migrated database; closed and removed after the block, if not before. */
  readonly open: () => Promise<TestDatabase>;
  /** A fresh place for a database, in which nothing has run. */
  readonly place: () => Promise<DatabaseOptions>;
}

/** Declares the same tests for each engine; without a PostgreSQL its block is reported as skipped, by name. */
export function eachEngine(tests: (engine: Engine) => void): void {
  describe("on SQLite", () => {
    tests(testEngine("SQLite", "embedded", embeddedPlace, migratedEmbeddedPlace));
  });
  onPostgres(tests);
}

/** Declares tests of what only PostgreSQL does. */
export function onPostgres(tests: (engine: Engine) => void): void {
  const url = inject("postgresUrl");
  describe.skipIf(url === null)(`on PostgreSQL${url === null ? " (this machine has none)" : ""}`, () => {
    const placeFrom = (template: string) => () => postgresPlace(url ?? "", template);
    const migrated = placeFrom(inject("postgresTemplate"));
    tests(testEngine("PostgreSQL", "postgres", placeFrom("template0"), migrated));
  });
}

interface Place {
  readonly options: DatabaseOptions;
  readonly remove: () => Promise<void>;
}

/** `migratedPlace` may have run what `open` would run anyway. */
function testEngine(
  name: Engine["name"],
  kind: Engine["kind"],
  newPlace: () => Promise<Place>,
  migratedPlace: () => Promise<Place>,
): Engine {
  const tidy: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const step of tidy.splice(0).toReversed()) await step();
  });
  const kept = async ({ options, remove }: Place): Promise<DatabaseOptions> => {
    tidy.push(remove);
    return options;
  };
  const openPlace = async (options: DatabaseOptions): Promise<TestDatabase> => {
    const { db, close } = await openDatabase(options);
    tidy.push(close);
    await migrate(db);
    const where = options.kind === "embedded" ? { directory: options.directory } : { url: options.url };
    const reopen = async (): Promise<TestDatabase> => {
      await close();
      return openPlace(options);
    };
    return { db, options, ...where, close, reopen };
  };
  return {
    name,
    kind,
    place: async () => kept(await newPlace()),
    open: async () => openPlace(await kept(await migratedPlace())),
  };
}

async function embeddedPlace(): Promise<Place> {
  const { path, remove } = await temporaryDirectory();
  return { options: { kind: "embedded", directory: path }, remove };
}

async function migratedEmbeddedPlace(): Promise<Place> {
  const { path, remove } = await temporaryDirectory();
  await copyFile(join(inject("embeddedTemplate"), DATABASE_FILE), join(path, DATABASE_FILE));
  return { options: { kind: "embedded", directory: path }, remove };
}

async function postgresPlace(serverUrl: string, template: string): Promise<Place> {
  const name = `headgate_test_${randomBytes(8).toString("hex")}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await onServer(serverUrl, `create database ${name} template ${template}`);
  return {
    options: { kind: "postgres", url: url.href, poolSize: 5 },
    remove: () => onServer(serverUrl, `drop database ${name} with (force)`),
  };
}
