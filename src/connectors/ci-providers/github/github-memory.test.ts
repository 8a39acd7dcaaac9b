import { describe, expect, it } from "vitest";
import { remembered } from "./github-memory.ts";

describe("what is remembered of GitHub", () => {
  it("is the newest, and no more than the limit", () => {
    const store = remembered<number>(60_000, 2);
    for (const [key, value] of [
      ["a", 1],
      ["b", 2],
      ["a", 3],
      ["c", 4],
    ] as const)
      store.set(key, value);
    expect([store.get("a"), store.get("b"), store.get("c")]).toEqual([3, undefined, 4]);
  });

  it("is forgotten when its time is over", () => {
    const store = remembered<number>(0, 2);
    store.set("a", 1);
    expect(store.get("a")).toBeUndefined();
  });
});
