import { describe, expect, test } from "vitest";
import { requireStorable, storageProblem } from "./storable.ts";

describe("what both databases can store", () => {
  test.each([
    [{ name: "a\u0000b" }, "name"],
    [{ services: [{ name: "api" }, { name: "a\ud800" }] }, "services.1.name"],
    [{ labels: ["x", "\udc00"] }, "labels.1"],
    [{ terms: { "a\u0000": 1 } }, "terms"],
    ["\u0000", ""],
  ])("%j is not: the path says where", (value, path) => {
    expect(storageProblem(value)).toMatchObject({ path });
  });

  test.each([
    [{ name: "Käse \u{1f9c0} \u0001\n", list: [1, null, true, { deep: "x" }] }],
    [null],
    [undefined],
    ["x"],
  ])("%j is", (value) => {
    expect(storageProblem(value)).toBeNull();
  });

  test("a refusal names the field", () => {
    expect(() => requireStorable({ name: "a\u0000b" })).toThrow("name: must not hold the character U+0000");
  });

  test("nesting beyond all reason is refused, not followed", () => {
    const deep: unknown = JSON.parse(`{"key":${"[".repeat(500_000)}${"]".repeat(500_000)}}`);
    expect(storageProblem(deep)).toMatchObject({ message: "is nested too deeply" });
  });

  test("more values than any request has are refused", () => {
    expect(storageProblem(Array.from({ length: 500_000 }, () => 0))).toBeNull();
    expect(storageProblem(Array.from({ length: 500_001 }, () => 0))).toMatchObject({
      message: "has more than 500000 values",
    });
  });
});
