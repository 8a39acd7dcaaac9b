import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { onServer } from "./on-server.ts";
import { startPostgres } from "./postgres-server.ts";
import { makeRunFolder } from "./run-folder.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");

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
  const steps: (() => Promise<void>)[] = [];
  const tidy = async (): Promise<void> => {
    for (const step of steps.splice(0).toReversed()) await step();
  };
  try {
    const folder = await makeRunFolder();
    steps.push(folder.remove);
    // Each test file's process has it from here, and all that those start.
    process.env["TMPDIR"] = folder.path;
    project.provide("program", await build(folder.path));
    const embedded = join(folder.path, "template");
    await migrateOnce({ kind: "embedded", directory: embedded });
    project.provide("embeddedTemplate", embedded);
    await preparePostgres(project, steps);
  } catch (error) {
    await tidy();
    throw error;
  }
  return tidy;
}

async function preparePostgres(project: TestProject, steps: (() => Promise<void>)[]): Promise<void> {
  // Never DATABASE_URL: that may be somebody's live one.
  const given = process.env["HEADGATE_TEST_DATABASE_URL"];
  const server = given ? null : await startPostgres();
  if (server) steps.push(server.stop);
  const url = given ?? server?.url ?? null;
  if (!url && process.env["CI"])
    throw new Error("PostgreSQL is missing: install it, or set HEADGATE_TEST_DATABASE_URL");
  // Of this run alone: several may use one server.
  const template = `headgate_template_${randomBytes(8).toString("hex")}`;
  project.provide("postgresUrl", url);
  project.provide("postgresTemplate", template);
  if (!url) return;
  steps.push(() => onServer(url, `drop database if exists ${template} with (force)`));
  await onServer(url, `create database ${template} template template0`);
  const place = new URL(url);
  place.pathname = `/${template}`;
  await migrateOnce({ kind: "postgres", url: place.href, poolSize: 1 });
}

/** Migrating takes longer than copying what was migrated. */
async function migrateOnce(options: DatabaseOptions): Promise<void> {
  const { db, close } = await openDatabase(options);
  await migrate(db);
  await close();
}

/** Builds the program; its main file. It finds its packages through a link beside it. */
async function build(folder: string): Promise<string> {
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await run(process.execPath, [join(ROOT, "scripts/build.ts"), join(folder, "program")], { cwd: ROOT });
  return join(folder, "program/main.js");
}
