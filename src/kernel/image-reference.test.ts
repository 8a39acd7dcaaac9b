import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDomainError } from "./errors.ts";
import { formatImageReference, type ImageReference, parseImageReference } from "./image-reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

const letters = (alphabet: string, min: number, max: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...alphabet.split("")), { minLength: min, maxLength: max })
    .map((one) => one.join(""));

const hosts = fc.constantFrom(
  "docker.io",
  "localhost",
  "localhost:5000",
  "r.example.com",
  "10.0.0.1:443",
  "[::1]:5000",
  "[fd00::2]",
);
const parts = fc
  .tuple(
    letters("abcz019", 1, 6),
    fc.array(fc.tuple(fc.constantFrom(".", "_", "__", "-", "---"), letters("abz09", 1, 4)), { maxLength: 3 }),
  )
  .map(([first, more]) => first + more.flat().join(""));
const references: fc.Arbitrary<ImageReference> = fc.record({
  host: hosts,
  repository: fc.array(parts, { minLength: 2, maxLength: 5 }).map((all) => all.join("/")),
  tag: fc.option(fc.tuple(letters("aZ_09", 1, 1), letters("aZ_.-9", 0, 127)).map((two) => two.join(""))),
  digest: fc.option(fc.constant(DIGEST)),
});

function readOrRefuse(text: string): ImageReference | "refused" {
  try {
    return parseImageReference(text);
  } catch (error) {
    if (isDomainError(error, "INPUT_INVALID")) return "refused";
    throw error;
  }
}

describe("an image reference", () => {
  it("reads back what it writes", () => {
    fc.assert(
      fc.property(references, (reference) => {
        expect(parseImageReference(formatImageReference(reference))).toEqual(reference);
      }),
    );
  });

  it("either reads a text or refuses it as invalid input, and what it reads is stable", () => {
    const alphabet = "aA0./:@[]-_ %\\é\0";
    fc.assert(
      fc.property(fc.oneof(letters(alphabet, 0, 20), fc.string()), (text) => {
        const outcome = readOrRefuse(text);
        if (outcome === "refused") return;
        expect(parseImageReference(formatImageReference(outcome))).toEqual(outcome);
        expect(outcome.repository).not.toMatch(/\.\.|\/\/|^\/|\/$|[A-Z%\\\s]/);
      }),
      { numRuns: 2000 },
    );
  });

  it.for([
    ["nginx", "docker.io", "library/nginx", null, null],
    ["nginx:1.27", "docker.io", "library/nginx", "1.27", null],
    ["team/nginx", "docker.io", "team/nginx", null, null],
    ["docker.io/nginx", "docker.io", "library/nginx", null, null],
    ["index.docker.io/nginx", "docker.io", "library/nginx", null, null],
    ["localhost/nginx", "localhost", "nginx", null, null],
    ["localhost:5000/nginx:1", "localhost:5000", "nginx", "1", null],
    ["R.Example.COM/a/b/c/d/e:V1_x", "r.example.com", "a/b/c/d/e", "V1_x", null],
    [`r.example.com/a@${DIGEST}`, "r.example.com", "a", null, DIGEST],
    [`r.example.com:443/a:1@${DIGEST}`, "r.example.com:443", "a", "1", DIGEST],
    ["[2001:db8::1]:5000/a:1", "[2001:db8::1]:5000", "a", "1", null],
    ["[::1]/a", "[::1]", "a", null, null],
  ] as const)("reads %s", ([text, host, repository, tag, digest]) => {
    expect(parseImageReference(text)).toEqual({ host, repository, tag, digest });
  });

  it.for([
    ["", "the repository"],
    ["Nginx", "lower case"],
    ["r.example.com/Team/app", "lower case"],
    ["r.example.com/", "the repository"],
    ["r.example.com//app", "the repository"],
    ["r.example.com/app/", "the repository"],
    ["r.example.com/../app", "the repository"],
    ["r.example.com/a/./b", "the repository"],
    ["r.example.com/a..b", "the repository"],
    ["r.example.com/a%2f..", "the repository"],
    ["r.example.com/a?x=1", "the repository"],
    ["/app", "the repository"],
    ["../app", "not a host"],
    ["https://r.example.com/app", "not a host"],
    ["r.example.com:99999/app", "not a host"],
    ["r.example.com:0/app", "not a host"],
    ["user:word@r.example.com/app", "the digest"],
    ["[::1/app", "not a host"],
    ["[zz]/app", "not a host"],
    ["-r.example.com/app", "not a host"],
    ["app:", "the tag"],
    ["app:-1", "the tag"],
    ["app:a b", "the tag"],
    [`app:${"a".repeat(129)}`, "the tag"],
    ["app@sha256:abc", "the digest"],
    [`app@${DIGEST.toUpperCase()}`, "the digest"],
    [`app@sha512:${"a".repeat(128)}`, "the digest"],
    [`app@${DIGEST}@${DIGEST}`, "the digest"],
    [`r.example.com/${"a".repeat(256)}`, "the repository"],
  ] as const)("refuses %s and names it", ([text, reason]) => {
    expect(() => parseImageReference(text)).toThrow(`"${text}" is not an image reference: `);
    expect(() => parseImageReference(text)).toThrow(reason);
  });
});
