import { describe, expect, it } from "vitest";
import { covers, readTokenText, rolesAllowed, Scope, tokenText } from "./api-token.ts";

describe("a scope", () => {
  it.each(["full", "viewer", "releaser", "approver", "admin", "shop:viewer", "web.shop-1:admin"])(
    "may be %s",
    (text) => expect(Scope.safeParse(text).success).toBe(true),
  );

  it.each([
    "",
    "Full",
    "owner",
    "shop",
    "shop:",
    ":viewer",
    "shop:owner",
    "shop:full",
    "Shop:viewer",
    "a:b:viewer",
  ])("must not be %j", (text) => expect(Scope.safeParse(text).success).toBe(false));

  it("allows its role everywhere, or in its project only", () => {
    expect(rolesAllowed(["viewer", "shop:admin"], "shop")).toEqual(["viewer", "admin"]);
    expect(rolesAllowed(["viewer", "shop:admin"], "bank")).toEqual(["viewer"]);
    expect(rolesAllowed(["shop:admin"], "bank")).toEqual([]);
    expect(rolesAllowed(["full"], "bank")).toEqual(["admin"]);
  });
});

describe("covering", () => {
  it.each([
    ["full", "full"],
    ["full", "admin"],
    ["full", "shop:admin"],
    ["releaser", "viewer"],
    ["releaser", "shop:releaser"],
    ["shop:admin", "shop:viewer"],
  ])("%s covers %s", (held, wanted) => expect(covers([held], wanted)).toBe(true));

  it.each([
    ["admin", "full"],
    ["viewer", "releaser"],
    ["releaser", "shop:admin"],
    ["shop:admin", "viewer"],
    ["shop:admin", "bank:viewer"],
    ["shop:admin", "full"],
    ["full", "nonsense"],
  ])("%s does not cover %s", (held, wanted) => expect(covers([held], wanted)).toBe(false));
});

describe("a token's text", () => {
  const id = "0123456789abcdef01234567";
  const secret = "ab".repeat(32);

  it("can be read again", () => {
    expect(readTokenText(tokenText(id, secret))).toEqual({ id, secret });
  });

  it.each([
    "",
    "hg_",
    `hg_${id}`,
    `hg_${id}_`,
    `hg_${id}_${secret}x`,
    ` hg_${id}_${secret}`,
    `hg_${id}_${secret}\n`,
    `HG_${id}_${secret}`,
    `hg_${id.slice(1)}_${secret}`,
  ])("must not be %j", (text) => expect(readTokenText(text)).toBeNull());
});
