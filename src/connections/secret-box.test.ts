import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSecretBox, KEY_BYTES } from "./secret-box.ts";

const REFUSAL = /not sealed by the key|unable to authenticate|cut short/;
const box = createSecretBox(randomBytes(KEY_BYTES));

describe("a secret box", () => {
  it("opens what it sealed, for the same owner", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (plain, owner) => {
        expect(box.open(box.seal(plain, owner), owner)).toBe(Buffer.from(plain).toString());
      }),
    );
  });

  it("puts the key's id in front and shows nothing of the secret", () => {
    const sealed = box.seal("correct horse", "a");
    expect(sealed).toMatch(new RegExp(`^hgk1_${box.keyId}:[A-Za-z0-9_-]+$`));
    expect(sealed).not.toContain("horse");
  });

  it("seals the same secret differently each time", () => {
    expect(box.seal("same", "a")).not.toBe(box.seal("same", "a"));
  });

  it("refuses a text sealed for another owner", () => {
    expect(() => box.open(box.seal("secret", "one"), "other")).toThrow("unable to authenticate");
  });

  it("refuses a text sealed by another key, naming the key it has", () => {
    const other = createSecretBox(randomBytes(KEY_BYTES));
    expect(() => box.open(other.seal("secret", "a"), "a")).toThrow(`not sealed by the key ${box.keyId}`);
  });

  it("refuses another key's text even when it claims to be of this key", () => {
    const other = createSecretBox(randomBytes(KEY_BYTES));
    const forged = other.seal("secret", "a").replace(other.keyId, box.keyId);
    expect(() => box.open(forged, "a")).toThrow("unable to authenticate");
  });

  it("refuses a text in which any single character was changed", () => {
    const sealed = box.seal("secret", "a");
    for (let place = 0; place < sealed.length - 1; place += 1) {
      const other = sealed[place] === "A" ? "B" : "A";
      expect(() => box.open(sealed.slice(0, place) + other + sealed.slice(place + 1), "a")).toThrow(REFUSAL);
    }
  });

  it("refuses a text that was cut short", () => {
    const sealed = box.seal("secret", "a");
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => box.open(sealed.slice(0, length), "a")).toThrow(REFUSAL);
  });

  it("takes keys of 32 bytes only", () => {
    expect(() => createSecretBox(randomBytes(16))).toThrow("32 bytes");
  });
});
