import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { rolldown } from "rolldown";

/**
 * Makes dist/ (or the folder named), the program as it is published: our own files and the libraries of many small files in a few large
 * ones, for a start reads and keeps what it loads. All other libraries stay packages. `npm run build`
 */
const target = process.argv[2] ?? "dist";
/** A library that one of these uses must be among them, or there would be two of it. */
const TAKEN_IN = ["zod", "kysely", "fastify-type-provider-zod", "yaml", "commander"];

const isTakenIn = (id: string): boolean => TAKEN_IN.some((name) => id === name || id.startsWith(`${name}/`));
const isOurs = (id: string): boolean => /^[./]/.test(id);

await rm(target, { recursive: true, force: true });
const bundle = await rolldown({
  // The thread of the embedded database and the wrapper of programs are started on their own, and looked for beside the
  // others.
  input: {
    main: "src/main.ts",
    "embedded-worker": "src/storage/embedded-worker.ts",
    "run-wrapper": "src/connectors/ci-providers/command/run-wrapper.ts",
  },
  platform: "node",
  external: (id) => !isOurs(id) && !isTakenIn(id),
});
await bundle.write({ dir: target, format: "esm", sourcemap: true, entryFileNames: "[name].js" });
await bundle.close();

await mkdir(join(target, "licenses"));
for (const name of TAKEN_IN)
  await copyFile(join("node_modules", name, "LICENSE"), join(target, "licenses", `${name}.txt`));
