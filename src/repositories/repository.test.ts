import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allows, readScopes } from "./registry-token.ts";
import { projectKeyOf, RepositoryName, Tag } from "./repository.ts";

const isName = (text: string): boolean => RepositoryName.safeParse(text).success;
const isTag = (text: string): boolean => Tag.safeParse(text).success;

describe("a repository name", () => {
  it("is made of lower-case parts with single separators", () => {
    for (const name of ["shop", "shop/api", "a/b/c/d", "shop/a.b_c__d-e---f", "0/9"])
      expect(isName(name)).toBe(true);
    const wrong = [
      "",
      "/",
      "shop/",
      "/api",
      "shop//api",
      "Shop/api",
      "shop/a..b",
      "shop/a___b",
      "shop/-a",
      "shop/a.",
    ];
    for (const name of [...wrong, "shop/../key", "shop/a b", "shop/a\n", "shop/ä", "a".repeat(256)])
      expect(isName(name)).toBe(false);
  });

  it("begins with its project's key", () => {
    expect(projectKeyOf("shop/api/v2")).toBe("shop");
    expect(projectKeyOf("shop")).toBe("shop");
  });

  it("is judged quickly, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "-", "_", ".", "/"), maxLength: 400 }), (text) => {
        expect(isName(text)).toBe(text.length <= 255 && hasGoodParts(text));
      }),
    );
  });
});

/** The same rule, said another way. */
const hasGoodParts = (text: string): boolean =>
  text.split("/").every((part) => {
    const separators = part.split(/[a-z0-9]+/);
    const [first, ...inner] = separators;
    const last = inner.pop();
    return first === "" && last === "" && inner.every((one) => /^([.]|_|__|-+)$/.test(one));
  });

describe("a tag", () => {
  it("has up to 128 letters, digits, dots, dashes and underscores", () => {
    for (const tag of ["1", "latest", "v1.2.3-rc_1", "_x", "A".repeat(128)]) expect(isTag(tag)).toBe(true);
    for (const tag of ["", "-x", ".x", "a/b", "a:b", "a b", "A".repeat(129), "a\n"])
      expect(isTag(tag)).toBe(false);
  });
});

describe("the scopes of a registry token", () => {
  it("give what they name and nothing else", () => {
    const access = readScopes([
      "repository:shop/api:pull,push repository:shop/web:pull",
      "repository:shop/web:delete,frobnicate",
      "registry:catalog:*",
    ]);
    expect(access).toEqual({
      repositories: [
        { name: "shop/api", actions: ["pull", "push"] },
        { name: "shop/web", actions: ["pull", "delete"] },
      ],
      catalog: true,
    });
    expect(allows(access, "shop/api", "push")).toBe(true);
    expect(allows(access, "shop/api", "delete")).toBe(false);
    expect(allows(access, "shop", "pull")).toBe(false);
    const all = readScopes(["repository:constructor:*"]);
    expect(all.repositories).toEqual([{ name: "constructor", actions: ["pull", "push", "delete"] }]);
  });

  it("that make no sense give nothing", () => {
    const nonsense = [
      "",
      "repository",
      "repository:Shop:pull",
      "repository:a:b:pull",
      "registry:x:*",
      "x:shop:pull",
    ];
    expect(readScopes(nonsense)).toEqual({ repositories: [], catalog: false });
    expect(allows(readScopes([]), "constructor", "pull")).toBe(false);
    expect(allows(readScopes(["repository:__proto__:pull"]), "__proto__", "pull")).toBe(false);
  });

  it("are cut off after sixteen repositories", () => {
    const scopes = Array.from({ length: 40 }, (_, place) => `repository:shop/r${place}:pull`);
    expect(readScopes(scopes).repositories).toHaveLength(16);
  });
});
