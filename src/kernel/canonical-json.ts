/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The one text of a JSON value (RFC 8785): no blanks, keys ordered by their UTF-16 code units, numbers and
 * strings as ECMAScript writes them. Throws for what JSON cannot carry: NaN, Infinity, a lone surrogate.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return numberText(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object") throw new Error(`a ${typeof value} has no place in JSON`);
  const members = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, member]) => `${quote(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** RFC 8785, section 3.2.2.3: the shortest decimal form that reads back the same, which JSON.stringify writes. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} has no place in JSON`);
  return JSON.stringify(value);
}

/** RFC 8785, section 3.2.2.2. JSON.stringify would hide a lone surrogate behind an escape. */
function quote(text: string): string {
  if (!text.isWellFormed()) throw new Error("a text with half a surrogate pair has no place in JSON");
  return JSON.stringify(text);
}
