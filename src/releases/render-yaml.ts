import { isDeepStrictEqual } from "node:util";
import { type Alias, isAlias, isMap, isScalar, isSeq, type Scalar, visit } from "yaml";
import { DomainError } from "../kernel/errors.ts";
import { findImages, type FoundImage, type YamlPath } from "./find-images.ts";
import { readYaml, type YamlDocument } from "./read-yaml.ts";

/**
 * `containerName`'s image becomes `to`, whatever it is, unless another container of that name has exactly `from`:
 * then only this one's, and that of others with the same repository. Elsewhere every image that is exactly `from` does.
 */
export interface ImageReplacement {
  readonly containerName: string;
  readonly from: string;
  readonly to: string;
}

export interface RenderedYaml {
  readonly text: string;
  /** How many places were replaced. */
  readonly replaced: number;
  /** Replacements for which the text has no place. */
  readonly unmatched: readonly ImageReplacement[];
}

/** Throws INPUT_INVALID, with line and column, for YAML that `renderYaml` cannot read. */
export function checkYaml(text: string): void {
  for (const document of readYaml(text)) valuesOf(document);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Replaces images in Kubernetes YAML at exact scalars; every other character stays, comments, quotes, anchors
 * and line ends among them. An image that a container has through a merge key (`<<`) is no place of its own.
 * Throws INPUT_INVALID for what `readYaml` refuses, and where an anchor would carry a replacement to an image
 * that is not to change.
 */
export function renderYaml(text: string, replacements: readonly ImageReplacement[]): RenderedYaml {
  for (const { to } of replacements) refuseStrange(to);
  const documents = readYaml(text).map((document) => ({ text, document, values: valuesOf(document) }));
  const exact = namesWithExactPlace(
    documents.flatMap(({ values }) => findImages(values)),
    replacements,
  );
  const changes = documents.map((source) => changesOf(source, replacements, exact));
  const edits = changes.flatMap((change) => change.edits).toSorted((one, other) => one.start - other.start);
  const rendered = splice(text, edits);
  if (changes.some(({ expected }) => expected !== null)) refuseCarriedOver(rendered, changes);
  const used = new Set(changes.flatMap((change) => change.used));
  const unmatched = replacements.filter((replacement) => !used.has(replacement));
  return { text: rendered, replaced: edits.length, unmatched };
}

interface Source {
  readonly text: string;
  readonly document: YamlDocument;
  readonly values: unknown;
}

/** The containers for which some place has exactly what is to be replaced. */
function namesWithExactPlace(
  images: readonly FoundImage[],
  replacements: readonly ImageReplacement[],
): ReadonlySet<string> {
  const wanted = new Set(
    replacements.map(({ containerName, from }) => JSON.stringify([containerName, from])),
  );
  const hits = images.filter(({ containerName, image }) =>
    wanted.has(JSON.stringify([containerName, image])),
  );
  return new Set(hits.flatMap(({ containerName }) => (containerName === null ? [] : [containerName])));
}

/** What is to change in one document. */
interface Changes {
  readonly edits: readonly Edit[];
  readonly used: readonly ImageReplacement[];
  /** What the document must say afterwards; null when it has no alias that could make it say anything else. */
  readonly expected: unknown;
}

function changesOf(
  source: Source,
  replacements: readonly ImageReplacement[],
  exact: ReadonlySet<string>,
): Changes {
  const before = source.values;
  const edits = new Map<Scalar | Alias, Edit>();
  const used: ImageReplacement[] = [];
  let expected = hasAlias(source.document) ? before : null;
  for (const found of findImages(before)) {
    const replacement = replacementFor(found, replacements, exact);
    const node = replacement ? nodeAt(source.document, found.path) : null;
    const edit = node && replacement ? editOf(source.text, node, replacement.to) : null;
    if (!node || !replacement || !edit) continue;
    edits.set(node, edit);
    used.push(replacement);
    if (expected !== null) expected = withValue(expected, found.path, replacement.to);
  }
  return { edits: [...edits.values()], used, expected };
}

function replacementFor(
  { containerName, image }: FoundImage,
  replacements: readonly ImageReplacement[],
  exact: ReadonlySet<string>,
): ImageReplacement | undefined {
  const isWhole = ({ from }: ImageReplacement): boolean => from === image;
  const named = replacements.filter((one) => one.containerName === containerName);
  const meant = exact.has(containerName ?? "")
    ? named.find(({ from }) => repositoryOf(from) === repositoryOf(image))
    : named[0];
  return named.find(isWhole) ?? meant ?? replacements.find(isWhole);
}

/** A reference without tag and digest. */
const repositoryOf = (image: string): string => image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");

function valuesOf(document: YamlDocument): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new DomainError("INPUT_INVALID", "The YAML cannot be read: its aliases multiply beyond all reason");
  }
}

function hasAlias(document: YamlDocument): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** The scalar or alias at a path, through aliases on the way. */
function nodeAt(document: YamlDocument, path: YamlPath): Scalar | Alias | null {
  let node: unknown = document.contents;
  for (const key of path) {
    const inner = isAlias(node) ? node.resolve(document) : node;
    if (isMap(inner)) node = inner.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value;
    else node = isSeq(inner) && typeof key === "number" ? inner.items[key] : null;
  }
  return isScalar(node) || isAlias(node) ? node : null;
}

/** The change of one scalar, its quote style kept; null for an image folded over several lines. */
function editOf(text: string, node: Scalar | Alias, to: string): Edit | null {
  const [start, end] = node.range ?? [0, 0];
  if (isAlias(node)) return { start, end, text: plain(to) };
  const style = node.type ?? "PLAIN";
  switch (style) {
    case "QUOTE_DOUBLE":
      return { start, end, text: JSON.stringify(to) };
    case "QUOTE_SINGLE":
      return { start, end, text: `'${to.replaceAll("'", "''")}'` };
    case "BLOCK_LITERAL":
    case "BLOCK_FOLDED": {
      const old = String(node.value).trim();
      const at = text.indexOf(old, text.indexOf("\n", start));
      return at >= 0 && at + old.length <= end ? { start: at, end: at + old.length, text: to } : null;
    }
    case "PLAIN":
      return { start, end, text: plain(to) };
  }
}

/** A text that no YAML reader takes for a number, a boolean, a date or structure stands without quotes. */
const plain = (to: string): string =>
  /^[A-Za-z0-9][A-Za-z0-9._/:@-]*(?<!:)$/.test(to) &&
  (to.includes("/") || /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z]/i.test(to))
    ? to
    : JSON.stringify(to);

function refuseStrange(to: string): void {
  if (!/^[\x21-\x7e]+$/.test(to))
    throw new DomainError("INPUT_INVALID", `${JSON.stringify(to)} is not an image reference`);
}

function splice(text: string, edits: readonly Edit[]): string {
  let at = 0;
  const parts = edits.flatMap((edit) => {
    const kept = text.slice(at, edit.start);
    at = edit.end;
    return [kept, edit.text];
  });
  return [...parts, text.slice(at)].join("");
}

/** The value with another one at a path; what an alias shares with other places stays the same there. */
function withValue(value: unknown, [key, ...rest]: YamlPath, to: string): unknown {
  if (key === undefined) return to;
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === key ? withValue(item, rest, to) : item));
  const members = value as Readonly<Record<string, unknown>>;
  return { ...members, [key]: withValue(members[key], rest, to) };
}

function refuseCarriedOver(rendered: string, changes: readonly Changes[]): void {
  readYaml(rendered).forEach((document, index) => {
    const expected = changes[index]?.expected ?? null;
    if (expected !== null && !isDeepStrictEqual(valuesOf(document), expected))
      throw new DomainError(
        "INPUT_INVALID",
        "The YAML shares an image among places that are to have different ones, by an anchor: write it out in each",
      );
  });
}
