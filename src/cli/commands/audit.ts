import { createWriteStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { ExportEvents } from "../../api/contract/events.ts";
import { ChainHead } from "../../kernel/hash-chain.ts";
import { type ChainReport, verifyChain } from "../../kernel/verify-chain.ts";
import { define, group, run } from "../define.ts";
import { CommandFailure, EXIT, misuse } from "../failure.ts";
import { harmless, note, print, printJson } from "../output.ts";
import { signedIn } from "../session.ts";

interface ExportOptions {
  readonly json?: true;
  readonly project?: string;
  readonly output?: string;
}

/** `headgate audit …`: the log of every change, and its proof. */
export function addAuditCommands(program: Command): void {
  const audit = group(program, "audit", "The audit log: every change, chained by hashes and signed");
  define(audit, "export", {
    summary: "Export a project's events, or those of no project, as lines of JSON",
    examples: [
      "headgate audit export --project shop -o shop.ndjson",
      "headgate audit export | headgate audit verify",
    ],
  })
    .option("--project <key>", "the project; without it what belongs to no project")
    .option("-o, --output <file>", "write to this file instead of standard output")
    .action(run(exportEvents));
  define(audit, "verify [file]", {
    summary: "Check an export, without a server; from standard input when no file is named",
    examples: ["headgate audit verify shop.ndjson", "headgate audit verify shop.ndjson --head head.json"],
    more:
      "An export proves itself up to its signed head. Whoever can write the database could cut off a tail and the\n" +
      "head with it, or make a whole chain anew with a key of its own: a head kept elsewhere (the server logs one) shows\n" +
      "both. --head takes a file, or the JSON itself.",
  })
    .option("--head <file>", "a signed head kept from earlier, that the export must contain")
    .action(run(verify));
}

async function exportEvents(options: ExportOptions): Promise<void> {
  const client = await signedIn();
  const { project, output } = options;
  const lines = client.lines(ExportEvents, { query: project === undefined ? {} : { project } });
  const text = Readable.from(lines).map((line: string) => `${line}\n`);
  if (output === undefined) return await pipeline(text, process.stdout, { end: false });
  await pipeline(text, createWriteStream(output, { mode: 0o600 }));
  if (options.json) printJson({ written: output });
  else note(`Written to ${output}. Check it with: headgate audit verify ${output}`);
}

async function verify(file: string | undefined, options: { json?: true; head?: string }): Promise<void> {
  const head = options.head === undefined ? null : await readHead(options.head);
  // Opened last: lines that nobody listens for yet are lost.
  const lines =
    file === undefined ? createInterface({ input: process.stdin }) : (await open(file)).readLines();
  const report = await verifyChain(lines, head);
  if (options.json) printJson(report);
  if (report.broken !== null) throw new CommandFailure(EXIT.failed, brokenText(report));
  if (options.json) return;
  print(
    harmless(`Chain ${report.chain} holds: ${report.entries} entries, up to ${report.head?.hash ?? "none"}.`),
  );
  if (head === null)
    print(
      `It is signed with the key ${report.head?.keyId ?? "none"}: compare it with the one in the server's log.`,
    );
  if (report.unsealed > 0)
    print(`${report.unsealed} events at the end are not sealed yet: nothing proves them.`);
}

function brokenText({ chain, entries, broken }: ChainReport): string {
  const where =
    broken?.sequence == null ? `line ${broken?.line}` : `entry ${broken.sequence} (line ${broken.line})`;
  const name = chain === "" ? "the export" : `chain ${chain}`;
  return `${name} is broken at ${where}: ${broken?.reason}. The ${entries} entries before it hold.`;
}

async function readHead(given: string): Promise<ChainHead> {
  const text = given.trimStart().startsWith("{") ? given : await readFile(given, "utf8");
  try {
    const value: unknown = JSON.parse(text);
    const inner = typeof value === "object" && value !== null && "head" in value ? value.head : value;
    return ChainHead.parse(inner);
  } catch {
    throw misuse(
      "--head holds no signed head; it is the JSON of a server's log line, or the last line of an export",
    );
  }
}
