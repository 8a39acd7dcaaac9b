import * as z from "zod";
import { type Digest, isDigest } from "./digest.ts";
import { DomainError } from "./errors.ts";

/** Where an image lies and which one is meant. Without tag and digest it names the repository alone. */
export interface ImageReference {
  /** host or host:port, lower case; an IPv6 address stands in brackets. */
  readonly host: string;
  /** Full path without the host, for example `library/nginx`. */
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

const DEFAULT_HOST = "docker.io";
const MAX_REPOSITORY_LENGTH = 255;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PATH_PART = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** True for what may stand between host and tag: lower-case parts joined by slashes, at most 255 characters. */
export const isRepositoryName = (text: string): boolean =>
  text.length <= MAX_REPOSITORY_LENGTH && text.split("/").every((part) => PATH_PART.test(part));

export const isTag = (text: string): boolean => TAG.test(text);

/** True for a lower-case name, IPv4 address or IPv6 address in brackets, with or without a port. */
export function isRegistryHost(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (port !== undefined && (Number(port) === 0 || Number(port) > 65_535)) return false;
  if (bracketed !== undefined) return z.ipv6().safeParse(bracketed).success;
  return plain !== undefined && plain.length <= 253 && plain.split(".").every((label) => LABEL.test(label));
}

function refuse(text: string, reason: string): never {
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  throw new DomainError("INPUT_INVALID", `"${shown}" is not an image reference: ${reason}`);
}

/** A first part is a host only when it cannot be anything else, as every container client has it. */
const looksLikeHost = (part: string): boolean => /[.:[]/.test(part) || part.toLowerCase() === "localhost";

function splitHost(name: string): { host: string; repository: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const named = looksLikeHost(first) ? first.toLowerCase() : DEFAULT_HOST;
  const host = named === `index.${DEFAULT_HOST}` ? DEFAULT_HOST : named;
  const path = looksLikeHost(first) ? name.slice(slash + 1) : name;
  return { host, repository: host === DEFAULT_HOST && !path.includes("/") ? `library/${path}` : path };
}

/**
 * Reads `[host[:port]/]repository[:tag][@digest]` as container clients do: no host means docker.io, and a
 * single name there lies under `library/`. Throws INPUT_INVALID with the text and what is wrong with it.
 */
export function parseImageReference(text: string): ImageReference {
  const at = text.indexOf("@");
  const digest = at < 0 ? null : text.slice(at + 1);
  if (digest !== null && !isDigest(digest)) refuse(text, "the digest must be sha256: and 64 hex digits");
  const tagged = at < 0 ? text : text.slice(0, at);
  const colon = tagged.indexOf(":", tagged.lastIndexOf("/") + 1);
  const tag = colon < 0 ? null : tagged.slice(colon + 1);
  if (tag !== null && !isTag(tag))
    refuse(text, "the tag must be 1 to 128 letters, digits, dots, dashes or _");
  const { host, repository } = splitHost(colon < 0 ? tagged : tagged.slice(0, colon));
  if (!isRegistryHost(host)) refuse(text, `"${host}" is not a host name or address`);
  if (/[A-Z]/.test(repository)) refuse(text, "the repository must be lower case");
  if (!isRepositoryName(repository))
    refuse(text, "the repository must be letters and digits with single separators, parts joined by slashes");
  return { host, repository, tag, digest };
}

/** The full form: host always, then repository, tag and digest as far as they are known. */
export const formatImageReference = ({ host, repository, tag, digest }: ImageReference): string =>
  `${host}/${repository}${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@${digest}`}`;
