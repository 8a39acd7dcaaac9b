import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { onServer } from "./on-server.ts";
import { startPostgres } from "./postgres-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const run = promisify(execFile);

declare module "vitest" {
  export interface ProvidedContext {
    /** Where tests may create databases; null when this machine has no PostgreSQL. */
    readonly postgresUrl: string | null;
    /** A migrated database of that server, of which tests get copies. */
    readonly postgresTemplate: string;
    /** The directory of a migrated embedded database, of which tests get copies. */
    readonly embeddedTemplate: string;
    /** The built program's main file. */
    readonly program: string;
  }
}

/** Once per test run: a PostgreSQL that all test files share, what they copy their databases from, and the built program. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Never DATABASE_URL: that may be somebody's live one.
  const given = process.env["HEADGATE_TEST_DATABASE_URL"];
  const server = given ? null : await startPostgres();
  const url = given ?? server?.url ?? null;
  if (!url && process.env["CI"])
    throw new Error("PostgreSQL is missing: install it, or set HEADGATE_TEST_DATABASE_URL");
  project.provide("postgresUrl", url);
  project.provide("postgresTemplate", TEMPLATE);
  if (url) await makePostgresTemplate(url);
  const embedded = await temporaryDirectory();
  await migrateOnce({ kind: "embedded", directory: embedded.path });
  project.provide("embeddedTemplate", embedded.path);
  const program = await build();
  project.provide("program", join(program, "main.js"));
  return async () => {
    await embedded.remove();
    await rm(program, { recursive: true });
    if (url && !server) await onServer(url, `drop database if exists ${TEMPLATE} with (force)`);
    await server?.stop();
  };
}

/** Of this run alone: several may use one server. */
const TEMPLATE = `headgate_template_${randomBytes(8).toString("hex")}`;

async function makePostgresTemplate(serverUrl: string): Promise<void> {
  await onServer(serverUrl, `create database ${TEMPLATE} template template0`);
  const url = new URL(serverUrl);
  url.pathname = `/${TEMPLATE}`;
  await migrateOnce({ kind: "postgres", url: url.href, poolSize: 1 });
}

/** Migrating takes longer than copying what was migrated. */
async function migrateOnce(options: DatabaseOptions): Promise<void> {
  const { db, close } = await openDatabase(options);
  await migrate(db);
  await close();
}

/** Builds the program into a folder of this run's own, below node_modules, where it finds its packages. */
async function build(): Promise<string> {
  const root = join(import.meta.dirname, "../..");
  const kept = join(root, "node_modules/.cache");
  await mkdir(kept, { recursive: true });
  const folder = await mkdtemp(join(kept, "headgate-program-"));
  await run(process.execPath, [join(root, "scripts/build.ts"), folder], { cwd: root });
  return folder;
}
