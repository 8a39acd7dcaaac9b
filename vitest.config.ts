import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Inherited by each test file's process and its database threads, which would compile the same modules anew each time.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/headgate-tests");

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    // Most tests wait for processes and databases of their own; the default on two cores would be one file at a time.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
