#!/usr/bin/env node
import { refuseOldNode } from "./kernel/node-version.ts";

try {
  refuseOldNode(process.versions.node);
} catch (error) {
  process.stderr.write(`headgate: ${String(error instanceof Error ? error.message : error)}\n`);
  process.exit(1);
}
const { runProgram } = await import("./program.ts");
await runProgram();
