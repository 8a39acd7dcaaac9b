import { beforeEach, describe, expect, it } from "vitest";
import { createTokenCache, type Token, type TokenCache } from "./token-cache.ts";

describe("the token cache", () => {
  let now = 0;
  let made = 0;
  let cache: TokenCache;
  const make = (): Promise<Token> => Promise.resolve({ value: `token-${(made += 1)}`, lifetimeSeconds: 100 });

  beforeEach(() => {
    now = 0;
    made = 0;
    cache = createTokenCache(() => now);
  });

  it("asks once for many callers at a time, and again for another key", async () => {
    expect(await Promise.all([cache.get("a", make), cache.get("a", make)])).toEqual(["token-1", "token-1"]);
    expect(await cache.get("b", make)).toBe("token-2");
    expect(cache.values()).toEqual(["token-1", "token-2"]);
  });

  it("renews a token before it ends", async () => {
    await cache.get("a", make);
    now = 79_000;
    expect(await cache.get("a", make)).toBe("token-1");
    now = 80_000;
    expect(await cache.get("a", make)).toBe("token-2");
  });

  it("forgets a token that was refused, but not its successor", async () => {
    await cache.get("a", make);
    cache.forget("token-1");
    expect(await cache.get("a", make)).toBe("token-2");
    cache.forget("token-1");
    expect(await cache.get("a", make)).toBe("token-2");
  });

  it("keeps no failure", async () => {
    await expect(cache.get("a", () => Promise.reject(new Error("down")))).rejects.toThrow("down");
    expect(await cache.get("a", make)).toBe("token-1");
  });
});
