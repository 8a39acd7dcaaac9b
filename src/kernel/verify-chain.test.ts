import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { type ChainHead, type ChainSigner, entryHash, isSignedBy, signHead } from "./hash-chain.ts";
import { verifyChain } from "./verify-chain.ts";

const newSigner = (): ChainSigner => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { publicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"), privateKey };
};

const signer = newSigner();
const NOW = new Date("2026-11-22T10:00:00.000Z");
type Body = { [key: string]: Json };

/** The lines of an honest export of these bodies. */
function exportOf(bodies: readonly Body[], by: ChainSigner = signer, chain = "system"): string[] {
  let hash: string | null = null;
  const entries = bodies.map((body, index) => {
    const previousHash = hash;
    hash = entryHash({ chain, ...body }, index + 1, previousHash);
    return canonicalJson({ chain, ...body, sequence: index + 1, previousHash, hash });
  });
  const head = signHead(by, { chain, sequence: bodies.length, hash }, NOW);
  return [
    canonicalJson({ format: "headgate-audit-1", chain, publicKey: by.publicKey }),
    ...entries,
    canonicalJson({ head: { ...head } }),
  ];
}

const bodies = (count: number): Body[] =>
  Array.from({ length: count }, (_, index) => ({ text: `event ${index + 1}` }));
const headOf = (lines: readonly string[]): ChainHead =>
  (JSON.parse(lines.at(-1) ?? "") as { head: ChainHead }).head;

const containing = (text: string): unknown => expect.stringContaining(text);

/** The line with another text, and as `rehash` says with a hash that fits. */
function altered(line: string | undefined, change: Body, rehash: boolean): string {
  const { hash, ...entry } = { ...(JSON.parse(line ?? "") as Body), ...change };
  const { sequence, previousHash, ...body } = entry;
  const fitting = entryHash(body, sequence as number, previousHash as string | null);
  return canonicalJson({ ...entry, hash: rehash ? fitting : (hash ?? null) });
}

describe("verifying an export", () => {
  let lines: string[];
  beforeEach(() => {
    lines = exportOf(bodies(5));
  });

  test("an honest one holds, with and without a head known from elsewhere", async () => {
    const whole = { chain: "system", entries: 5, unsealed: 0, head: headOf(lines), broken: null };
    expect(await verifyChain(lines)).toEqual(whole);
    expect(await verifyChain(lines, headOf(exportOf(bodies(3))))).toEqual(whole);
    expect(await verifyChain(lines, headOf(lines))).toEqual(whole);
    expect((await verifyChain(exportOf([]))).broken).toBeNull();
  });

  test("a changed entry is found", async () => {
    lines[3] = altered(lines[3], { text: "forged" }, false);
    expect((await verifyChain(lines)).broken).toEqual({
      line: 4,
      sequence: 3,
      reason: "its content was changed",
    });
  });

  test("a member slipped in under a special name is found", async () => {
    lines[3] = canonicalJson(JSON.parse(lines[3]?.replace("{", '{"__proto__":{"x":1},') ?? "") as Json);
    expect((await verifyChain(lines)).broken).toMatchObject({
      sequence: 3,
      reason: "its content was changed",
    });
  });

  test("a changed entry with a fitting hash is found at the entry after it, or by the head", async () => {
    lines[3] = altered(lines[3], { text: "forged" }, true);
    expect((await verifyChain(lines)).broken).toMatchObject({
      sequence: 4,
      reason: containing("entry 3"),
    });
    const last = exportOf(bodies(5));
    last[5] = altered(last[5], { text: "forged" }, true);
    expect((await verifyChain(last)).broken).toMatchObject({
      sequence: 5,
      reason: containing("head"),
    });
  });

  test("a removed entry is named", async () => {
    expect((await verifyChain(lines.toSpliced(3, 1))).broken).toMatchObject({ line: 4, sequence: 3 });
    expect((await verifyChain(lines.toSpliced(1, 1))).broken).toMatchObject({ line: 2, sequence: 1 });
  });

  test("an entry that stands twice and swapped entries are found", async () => {
    expect((await verifyChain(lines.toSpliced(3, 0, lines[2] ?? ""))).broken).toMatchObject({ sequence: 3 });
    const [header, one, two, ...rest] = lines;
    expect((await verifyChain([header ?? "", two ?? "", one ?? "", ...rest])).broken).toMatchObject({
      sequence: 1,
    });
  });

  test("a tail cut off under the old head is found", async () => {
    const { broken, entries } = await verifyChain(lines.toSpliced(4, 2));
    expect({ broken, entries }).toMatchObject({
      entries: 3,
      broken: { sequence: 4, reason: containing("5 entries") },
    });
  });

  test("a tail cut off together with its head is found by a head known from elsewhere alone", async () => {
    const shorter = exportOf(bodies(3));
    expect((await verifyChain(shorter)).broken).toBeNull();
    expect((await verifyChain(shorter, headOf(lines))).broken).toMatchObject({ sequence: 4 });
  });

  test("a history written anew with the right key is found by a head known from elsewhere", async () => {
    const forged = exportOf([...bodies(2), { text: "forged" }, ...bodies(5).slice(3)]);
    expect((await verifyChain(forged)).broken).toBeNull();
    expect((await verifyChain(forged, headOf(exportOf(bodies(3))))).broken).toMatchObject({ sequence: 3 });
  });

  test("a history written anew with another key is found by a head known from elsewhere", async () => {
    const forged = exportOf(bodies(5), newSigner());
    expect((await verifyChain(forged)).broken).toBeNull();
    expect((await verifyChain(forged, headOf(lines))).broken?.reason).toContain("not signed with the key");
  });

  test("an entry of another chain is found, though its place and hash fit", async () => {
    lines[2] = altered(lines[2], { chain: "other" }, true);
    expect((await verifyChain(lines)).broken).toMatchObject({
      sequence: 2,
      reason: containing("other"),
    });
  });

  test("a forged head, a head of another chain and a missing head are found", async () => {
    const forged = { ...headOf(lines), signedAt: "2026-11-22T10:00:01.000Z" };
    expect(
      (await verifyChain([...lines.slice(0, -1), canonicalJson({ head: forged })])).broken?.reason,
    ).toContain("signature");
    const other = headOf(exportOf(bodies(5), signer, "other"));
    expect(
      (await verifyChain([...lines.slice(0, -1), canonicalJson({ head: { ...other } })])).broken?.reason,
    ).toContain("signature");
    expect((await verifyChain(lines, other)).broken?.reason).toContain("of chain other");
    expect((await verifyChain(lines.slice(0, -1))).broken?.reason).toContain("does not end");
    expect((await verifyChain([...lines, lines[1] ?? ""])).broken?.reason).toContain(
      "follows the signed head",
    );
  });

  test("events without a place are counted, and an entry after one is found", async () => {
    const unsealed = canonicalJson({
      chain: "system",
      text: "late",
      sequence: null,
      previousHash: null,
      hash: null,
    });
    expect(await verifyChain(lines.toSpliced(6, 0, unsealed, unsealed))).toMatchObject({
      entries: 5,
      unsealed: 2,
      broken: null,
    });
    expect((await verifyChain(lines.toSpliced(2, 0, unsealed))).broken).toMatchObject({ sequence: 2 });
  });

  test.each([
    [[], "empty"],
    [["not json"], "header"],
    [["null"], "header"],
    [['{"format":"headgate-audit-2","chain":"system","publicKey":""}'], "header"],
  ])("%j is no export", async (text, reason) => {
    expect((await verifyChain(text)).broken?.reason).toContain(reason);
  });

  test("a line that says the same in other words is found", async () => {
    lines[2] = lines[2]?.replace("{", '{"text":"hidden",') ?? "";
    expect((await verifyChain(lines)).broken).toMatchObject({
      sequence: 2,
      reason: containing("canonical"),
    });
  });

  test("any one changed character of any line is found", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(6),
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 1 }),
        async (index, at, character) => {
          const line = lines[index] ?? "";
          const place = at % line.length;
          const changed = line.slice(0, place) + character + line.slice(place + 1);
          fc.pre(changed !== line);
          expect((await verifyChain(lines.with(index, changed), headOf(lines))).broken).not.toBeNull();
        },
      ),
    );
  });
});

test("nothing but its own key proves a head", () => {
  const head = signHead(signer, { chain: "system", sequence: 1, hash: "a".repeat(64) }, NOW);
  expect(isSignedBy(signer.publicKey, head)).toBe(true);
  expect(isSignedBy(newSigner().publicKey, head)).toBe(false);
  expect(
    isSignedBy("AAAA", {
      ...head,
      keyId: "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c",
    }),
  ).toBe(false);
});
