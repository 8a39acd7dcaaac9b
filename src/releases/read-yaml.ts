import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  visit,
} from "yaml";
import { DomainError } from "../kernel/errors.ts";

/** How large the YAML of one service may be, in bytes. */
export const MAX_YAML_BYTES = 1024 * 1024;
/** Structure is what costs time and memory: no real manifest has as many lists, maps, tags and anchors. */
const MAX_MARKS = 50_000;
const MAX_ALIASES = 100;
/** What all aliases stand for, written out, in UTF-16 units. */
const MAX_REPEATED = 256 * 1024;
/** Quotes cost less, and JSON that is read as YAML is full of them. */
const weightOf = (sign: string): number => ("[{-?&*!".includes(sign) ? 1 : "\"'".includes(sign) ? 0.25 : 0);

/** A document as it lies in its text: every scalar is a text, `range` counts UTF-16 units of the whole text. */
export type YamlDocument = Document.Parsed;

/**
 * The documents of a YAML text. Throws INPUT_INVALID, with line and column, for broken YAML, keys that stand
 * twice in a map, more than 1 MiB, more than 100 aliases, and structure beyond all reason.
 */
export function readYaml(text: string): readonly YamlDocument[] {
  if (Buffer.byteLength(text) > MAX_YAML_BYTES)
    throw new DomainError("INPUT_INVALID", "The YAML is larger than 1 MiB");
  const lines = new LineCounter();
  lines.addNewLine(0);
  const refuse = (problem: string, offset: number): never => {
    const { line, col } = lines.linePos(offset);
    throw new DomainError(
      "INPUT_INVALID",
      `The YAML cannot be read at line ${line}, column ${col}: ${problem}`,
    );
  };
  const documents: YamlDocument[] = [];
  for (const document of parse(text, lines)) {
    const [error] = document.errors;
    if (error) refuse(error.message, error.pos[0]);
    checkNodes(document, refuse);
    documents.push(document);
  }
  return documents;
}

function* parse(text: string, lines: LineCounter): Generator<YamlDocument> {
  // Every scalar stays a text: nothing here depends on what 1.0 or `yes` may mean.
  const composer = new Composer({
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  yield* composer.compose(tokens(text, new Parser(lines.addNewLine))) as Generator<YamlDocument>;
}

function* tokens(text: string, parser: Parser): ReturnType<Parser["parse"]> {
  let marks = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme !== "") marks += weightOf(lexeme.charAt(0));
    if (marks > MAX_MARKS)
      throw new DomainError("INPUT_INVALID", "The YAML has too many lists, maps, tags, anchors and quotes");
    yield* parser.next(lexeme);
  }
  yield* parser.end();
}

function checkNodes(document: YamlDocument, refuse: (problem: string, offset: number) => never): void {
  let aliases = 0;
  let repeated = 0;
  visit(document, (_, node) => {
    if (isAlias(node)) {
      aliases += 1;
      if (aliases > MAX_ALIASES) refuse(`more than ${MAX_ALIASES} aliases`, startOf(node));
      const target = node.resolve(document);
      if (!target) refuse(`no anchor ${node.source} stands before this`, startOf(node));
      repeated += lengthOf(target);
      if (repeated > MAX_REPEATED) refuse("the aliases up to here repeat too much", startOf(node));
    }
    if (isMap(node)) {
      const twice = keyThatStandsTwice(node.items.map(({ key }) => key));
      if (twice) refuse("this key stands twice in its map", startOf(twice));
    }
  });
}

function keyThatStandsTwice(keys: readonly unknown[]): Node | null {
  const seen = new Set<unknown>();
  for (const key of keys) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) return key;
    seen.add(key.value);
  }
  return null;
}

const startOf = (node: Node): number => node.range?.[0] ?? 0;
const lengthOf = (node: Node | undefined): number => (node?.range ? node.range[1] - node.range[0] : 0);
