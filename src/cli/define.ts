import type { Command } from "commander";
import { ProblemError, UnreachableError } from "../api/client.ts";
import { problemCode } from "../api/contract/problem.ts";
import { CommandFailure, EXIT, EXIT_CODES_HELP, type ExitCode } from "./failure.ts";
import { coloured, harmlessLines, note } from "./output.ts";

/** What every command says of itself. */
export interface About {
  readonly summary: string;
  /** Command lines that work as they stand. */
  readonly examples: readonly string[];
  /** More to know, below the options. */
  readonly more?: string;
}

const list = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join("\n");

/** A group of commands: `headgate release …`. */
export const group = (parent: Command, name: string, summary: string): Command =>
  parent.command(name).description(summary).addHelpText("after", EXIT_CODES_HELP);

/** A command with its help, `--json`, and examples. */
export const define = (parent: Command, usage: string, about: About): Command =>
  parent
    .command(usage)
    .description(about.summary)
    .option("--json", "print JSON instead of text")
    .addHelpText(
      "after",
      `\n${about.more === undefined ? "" : `${about.more}\n\n`}Examples:\n${list(about.examples)}\n${EXIT_CODES_HELP}`,
    );

/** Ends a command's failures as a text for people and an exit code. */
export function run<Arguments extends unknown[]>(
  work: (...given: Arguments) => Promise<void>,
): (...given: Arguments) => Promise<void> {
  return async (...given) => {
    try {
      await work(...given);
    } catch (error) {
      const wantsJson = given.some(
        (part) => typeof part === "object" && part !== null && "json" in part && part.json === true,
      );
      process.exitCode = report(error, wantsJson);
    }
  };
}

function report(error: unknown, asJson: boolean): ExitCode {
  const exitCode = exitCodeOf(error);
  if (asJson && error instanceof ProblemError) note(JSON.stringify(error.problem, null, 2));
  else note(`${coloured("red", "headgate:")} ${harmlessLines(wordsFor(error))}`);
  return exitCode;
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandFailure) return error.exitCode;
  if (error instanceof UnreachableError) return EXIT.noAnswer;
  return error instanceof ProblemError && error.problem.status === 401 ? EXIT.noAnswer : EXIT.failed;
}

function wordsFor(error: unknown): string {
  if (error instanceof UnreachableError)
    return `no answer from ${error.url}: ${error.message}\nIs the server running ("headgate serve"), and does HEADGATE_URL say where?`;
  if (error instanceof ProblemError) return problemWords(error);
  return error instanceof Error ? error.message : String(error);
}

function problemWords({ problem }: ProblemError): string {
  const fields = (problem.errors ?? []).filter((field) => field.path !== "");
  const words =
    fields.length > 0 ? list(fields.map(({ path, message }) => `${path}: ${message}`)) : problem.detail;
  const hint = problem.status === 401 ? '\nSign in with "headgate login", or set HEADGATE_TOKEN.' : "";
  const start = fields.length > 0 ? `${problem.title}:\n` : "";
  return `${start}${words} (${problem.status} ${problemCode(problem)}, request ${problem.requestId})${hint}`;
}
