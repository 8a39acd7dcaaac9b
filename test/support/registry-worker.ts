import { openDatabase } from "../../src/storage/database.ts";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { testContext } from "./context.ts";
import { startRegistryInside } from "./registry-inside.ts";
import { RegistryProcessOptions } from "./registry-processes.ts";

/* The registry inside in a process of its own, until it is killed: the part that dies in the journey. */

const given: unknown = JSON.parse(process.argv[2] ?? "");
const options = RegistryProcessOptions.parse(given);
const { db } = await openDatabase(options.database);
const files = await openFileStorage(options.directory, { minFreeBytes: 0 });
const registry = await startRegistryInside(testContext(db, { files }), options.tokens);
process.stdout.write(`${JSON.stringify({ url: registry.url, tokens: registry.tokens })}\n`);
