import * as z from "zod";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { Base64, ChainEntry, ChainHead, entryHash, isSignedBy } from "./hash-chain.ts";

/** The first line of an export; entries follow, the signed head is the last line. */
export const ChainHeader = z.object({
  format: z.literal("headgate-audit-1"),
  chain: z.string(),
  publicKey: Base64,
});
export type ChainHeader = z.output<typeof ChainHeader>;

/** The last line of an export. */
export const ChainFooter = z.object({ head: ChainHead });

/** A line of an export: canonical JSON, in which what some readers take for a line end is escaped. */
export const exportLine = (value: Json): string =>
  canonicalJson(value).replaceAll(
    /[\u0085\u2028\u2029]/g,
    (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Where a chain breaks first. */
export interface ChainBreak {
  /** Line of the export, from 1. */
  readonly line: number;
  /** Sequence of the broken or missing entry; null when the break is in no entry. */
  readonly sequence: number | null;
  readonly reason: string;
}

export interface ChainReport {
  readonly chain: string;
  /** How many sealed entries hold, from the first one on. */
  readonly entries: number;
  /** Events at the end that had no place in the chain yet: nothing proves them. */
  readonly unsealed: number;
  /** The head at the end of the export; null when it has none. */
  readonly head: ChainHead | null;
  readonly broken: ChainBreak | null;
}

type Body = { readonly [key: string]: Json };

interface State {
  readonly trusted: ChainHead | null;
  line: number;
  header: ChainHeader | null;
  head: ChainHead | null;
  entries: number;
  lastHash: string | null;
  unsealed: number;
  broken: ChainBreak | null;
}

/**
 * Checks an export without a server: its lines, and, where given, a head known from elsewhere (a log line, an
 * earlier export), without which a tail cut off together with its head goes unnoticed.
 */
export async function verifyChain(
  lines: Iterable<string> | AsyncIterable<string>,
  trusted: ChainHead | null = null,
): Promise<ChainReport> {
  const state: State = {
    trusted,
    line: 0,
    header: null,
    head: null,
    entries: 0,
    lastHash: null,
    unsealed: 0,
    broken: null,
  };
  for await (const line of lines) {
    state.line += 1;
    if (line.trim() !== "") readLine(state, line);
  }
  checkHead(state);
  const { header, entries, unsealed, head, broken } = state;
  return { chain: header?.chain ?? "", entries, unsealed, head, broken };
}

function readLine(state: State, line: string): void {
  const value = parse(line);
  const header = state.header;
  if (header === null) readHeader(state, value);
  else if (state.head !== null) report(state, null, "something follows the signed head");
  else if (value === null) report(state, state.entries + 1, "the line is not a canonical JSON object");
  else if (Object.hasOwn(value, "head")) readFooter(state, value);
  else if (value["sequence"] === null) state.unsealed += 1;
  else if (state.broken === null) readEntry(state, header, value);
}

/** The object of a line; null unless the line is that object's one text. */
function parse(line: string): Body | null {
  try {
    const value = JSON.parse(line) as Json;
    return isObject(value) && exportLine(value) === line.trimEnd() ? value : null;
  } catch {
    return null;
  }
}

const isObject = (value: Json): value is Body =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readHeader(state: State, value: Body | null): void {
  const header = ChainHeader.safeParse(value);
  state.header = header.success ? header.data : { format: "headgate-audit-1", chain: "", publicKey: "" };
  if (!header.success) return report(state, null, "the first line is not the header of an audit export");
  const { trusted } = state;
  if (trusted && trusted.chain !== header.data.chain)
    return report(state, null, `the head that was given is of chain ${trusted.chain}`);
  if (trusted && !isSignedBy(header.data.publicKey, trusted))
    report(state, null, "the head that was given is not signed with the key of this export");
}

function readFooter(state: State, value: Body): void {
  const footer = ChainFooter.safeParse(value);
  if (footer.success) state.head = footer.data.head;
  else report(state, null, "the signed head cannot be read");
}

function readEntry(state: State, header: ChainHeader, value: Body): void {
  const expected = state.entries + 1;
  const entry = ChainEntry.safeParse(value);
  if (!entry.success) return report(state, expected, "the line has not the form of an entry");
  const problem = placeProblem(state, header, entry.data) ?? hashProblem(state, entry.data, value);
  if (problem !== null) return report(state, expected, problem);
  state.entries = expected;
  state.lastHash = entry.data.hash;
  if (state.trusted?.sequence === expected && state.trusted.hash !== state.lastHash)
    report(state, expected, "its hash is not the one of the head that was given");
}

function placeProblem(state: State, header: ChainHeader, entry: ChainEntry): string | null {
  if (state.unsealed > 0) return "it follows an event that has no place in the chain";
  if (entry.sequence !== state.entries + 1)
    return `it is missing: entry ${entry.sequence} stands in its place`;
  return entry.chain === header.chain ? null : `it belongs to another chain, ${entry.chain}`;
}

/** Hashes the line itself, not what the schema made of it. */
function hashProblem(state: State, entry: ChainEntry, value: Body): string | null {
  const { hash, sequence: _, previousHash: __, ...body } = value;
  if (hash !== entryHash(body, entry.sequence, entry.previousHash)) return "its content was changed";
  if (entry.previousHash === state.lastHash) return null;
  return `it does not continue entry ${entry.sequence - 1}: one of the two was replaced`;
}

function checkHead(state: State): void {
  const { header, head, trusted } = state;
  if (header === null) return report(state, null, "the export is empty");
  if (trusted && state.entries < trusted.sequence)
    report(
      state,
      state.entries + 1,
      `it is missing: the head that was given covers ${trusted.sequence} entries`,
    );
  if (head === null) return report(state, null, "the export does not end with a signed head");
  if (head.chain !== header.chain || !isSignedBy(header.publicKey, head))
    return report(state, null, "the signature of the head is not valid");
  if (state.entries !== head.sequence)
    return report(
      state,
      Math.min(state.entries, head.sequence) + 1,
      state.entries < head.sequence
        ? `it is missing: the head covers ${head.sequence} entries`
        : `it lies beyond the head, which covers ${head.sequence} entries`,
    );
  if (state.lastHash !== head.hash)
    report(state, head.sequence, "its hash is not the one that the head signs");
}

/** Only the first break counts: what comes after it follows from it. */
function report(state: State, sequence: number | null, reason: string): void {
  state.broken ??= { line: state.line, sequence, reason };
}
