#!/usr/bin/env node
import { homedir } from "node:os";
import { join } from "node:path";
import { refuseOldNode } from "./kernel/node-version.ts";

try {
  refuseOldNode(process.versions.node);
} catch (error) {
  process.stderr.write(`headgate: ${String(error instanceof Error ? error.message : error)}\n`);
  process.exit(1);
}
const { enableCompileCache } = await import("node:module");
// What is compiled is kept for the next start, in a folder that nobody else may write to.
enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "headgate"));
const { runProgram } = await import("./program.ts");
await runProgram();
