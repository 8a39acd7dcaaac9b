import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { Writable } from "node:stream";
import { misuse } from "./failure.ts";

const isTerminal = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

/** Asks on the terminal; the answer without blanks around it. Without a terminal it says what to give instead. */
export async function ask(question: string, otherwise: string): Promise<string> {
  if (!isTerminal()) throw misuse(otherwise);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

/** Asks without showing what is typed. */
export async function askHidden(question: string, otherwise: string): Promise<string> {
  if (!isTerminal()) throw misuse(otherwise);
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await terminal.question("");
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}

/** True when a person at the terminal says yes; nobody there is a no. */
export async function confirmed(question: string): Promise<boolean> {
  if (!isTerminal()) return false;
  return /^y(es)?$/i.test(await ask(`${question} [y/N] `, ""));
}

/** All of standard input, without the line end that `echo` adds. */
export const readStandardInput = async (): Promise<string> =>
  (await text(process.stdin)).replace(/\r?\n$/, "");

/** Where a command's password may come from, in this order; never from an argument, which others can see. */
export interface PasswordSource {
  readonly fromStandardInput: boolean;
  /** An environment variable's name. */
  readonly variable: string;
  /** Ask on the terminal when there is none yet. */
  readonly question: string | null;
  /** The option that reads it from standard input; `--password-stdin` when left out. */
  readonly flag?: string;
}

/** The password, or null when nobody gave one. */
export async function readPassword(source: PasswordSource): Promise<string | null> {
  if (source.fromStandardInput) return await readStandardInput();
  const given = process.env[source.variable];
  if (given !== undefined && given !== "") return given;
  if (source.question === null) return null;
  return await askHidden(
    source.question,
    `a password is needed: set ${source.variable}, or pipe it in with ${source.flag ?? "--password-stdin"}`,
  );
}
