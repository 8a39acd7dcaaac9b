import type { TestProject } from "vitest/node";
import { startPostgres } from "./postgres-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Where tests may create databases; null when this machine has no PostgreSQL. */
    readonly postgresUrl: string | null;
  }
}

/** Once per test run: a PostgreSQL that all test files share, each with databases of its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Never DATABASE_URL: that may be somebody's live one.
  const given = process.env["HEADGATE_TEST_DATABASE_URL"];
  const server = given ? null : await startPostgres();
  const url = given ?? server?.url ?? null;
  if (!url && process.env["CI"])
    throw new Error("PostgreSQL is missing: install it, or set HEADGATE_TEST_DATABASE_URL");
  project.provide("postgresUrl", url);
  return async () => server?.stop();
}
