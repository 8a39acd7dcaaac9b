import { createHash } from "node:crypto";
import type { Json } from "./canonical-json.ts";

/** What stands in the place of a secret. */
export const MASK = "***";

/** Far deeper than anything of ours; keeps hostile nesting from exhausting the stack. */
const DEPTH_LIMIT = 64;

/** Names that hold a secret, without their dashes and underscores. `tokenId` and `tokenHosts` hold none. */
const SECRET_NAME =
  /passw(?:or)?d|passphrase|secret|authorization|credential|cookie|apikey|privatekey|accesskey|token$/;
const URL_PARAMETER =
  /([?&](?:[a-z_-]*token|password|secret|api_?key|signature|x-amz-[a-z-]+)=)[^&#\s"'<>]*/gi;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"']{0,256}):[^\s/@"']{1,1024}@/gi;
const OWN_TOKEN = /\bhg_([0-9A-Za-z]+)_[0-9A-Za-z_-]+/g;

/** Whether what has this name is a secret, such as `API_TOKEN`. */
export const namesSecret = (name: string): boolean =>
  SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_.\s]/g, ""));

/** Takes secrets out of a text that may hold a URL: `?token=…`, `user:password@`, and tokens of ours. */
export const redactText = (text: string): string =>
  text
    .replaceAll(URL_PARAMETER, `$1${MASK}`)
    .replaceAll(URL_PASSWORD, `$1:${MASK}@`)
    .replaceAll(OWN_TOKEN, `hg_$1_${MASK}`);

/** The address of a request without secrets, also where a parameter's name is written with escapes (`%74oken=`). */
export function redactUrl(url: string): string {
  const [path = "", ...query] = url.split("?");
  if (query.length === 0) return redactText(url);
  const parameters = query.join("?").split("&").map(redactParameter);
  return redactText(`${path}?${parameters.join("&")}`);
}

function redactParameter(parameter: string): string {
  const [name = "", ...value] = parameter.split("=");
  return value.length > 0 && namesSecret(unescaped(name)) ? `${name}=${MASK}` : parameter;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * A value as logs and events may hold it, as JSON: what stands under a secret's name is masked, texts lose
 * secrets in URLs, YAML is replaced by its SHA-256, moments are ISO 8601, absent members are left out.
 */
export const redact = (value: unknown): Json => redactAt("", value, 0) ?? null;

function redactAt(name: string, value: unknown, depth: number): Json | undefined {
  if (value === null || typeof value === "boolean") return value;
  if (value === undefined) return undefined;
  if (namesSecret(name)) return MASK;
  if (typeof value === "string") return redactString(name, value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return typeof value === "object" ? redactObject(name, value, depth) : undefined;
}

function redactObject(name: string, value: object, depth: number): Json {
  if (value instanceof Date) return value.toISOString();
  if (depth >= DEPTH_LIMIT) return "…";
  if (Array.isArray(value)) return value.map((item: unknown) => redactAt(name, item, depth + 1) ?? null);
  return redactMembers(value, depth);
}

function redactMembers(value: object, depth: number): Json {
  const members = Object.entries(value).flatMap(([key, member]: [string, unknown]) => {
    const redacted = redactAt(key, member, depth + 1);
    return redacted === undefined ? [] : [[key.toWellFormed(), redacted] as const];
  });
  return Object.fromEntries(members);
}

function redactString(name: string, value: string): Json {
  if (!/yaml/i.test(name)) return redactText(value.toWellFormed());
  return { sha256: createHash("sha256").update(value).digest("hex") };
}
