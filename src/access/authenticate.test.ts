import { expect, it } from "vitest";
import { as, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import type { Context } from "../context.ts";
import { createProject } from "../projects/create-project.ts";
import { createAuthenticator } from "./authenticate.ts";
import { changeUser } from "./change-user.ts";
import { createApiToken } from "./create-api-token.ts";
import { createUser } from "./create-user.ts";
import { grantRole } from "./grant-role.ts";
import { revokeApiToken } from "./revoke-api-token.ts";
import { revokeRole } from "./revoke-role.ts";

const ADMIN_TOKEN = "a token of the operator's own, 32+";
const origin = { address: "192.0.2.7", requestId: "request-1" };
const refused = { code: "UNAUTHENTICATED" };
const authenticate = createAuthenticator({ adminToken: ADMIN_TOKEN });

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    let clock = Date.UTC(2026, 0, 1);
    const ctx = testContext(db, { now: () => new Date(clock) });
    const shop = await createProject(ctx, { key: "shop", name: "Shop" });
    const bank = await createProject(ctx, { key: "bank", name: "Bank" });
    const ada = await createUser(ctx, { name: "ada" });
    await grantRole(ctx, { projectKey: "shop", user: "ada", role: "approver" });
    await grantRole(ctx, { projectKey: "bank", user: "ada", role: "viewer" });
    const tokenOf = (user: string, scopes: string[], expiresAt: Date | null = null) =>
      createApiToken(ctx, { name: "test", scopes, expiresAt, user });
    const wait = (millis: number) => {
      clock += millis;
    };
    return { db, ctx, shop, bank, ada, tokenOf, wait };
  }
  const who = (ctx: Context, text: string | null) => authenticate(ctx, text, origin);

  it("takes the operator's token for a system admin named admin", async () => {
    const { ctx } = await begin();
    expect(await who(ctx, ADMIN_TOKEN)).toEqual({
      name: "admin",
      userId: null,
      tokenId: null,
      systemAdmin: true,
      roles: {},
      reportsIn: [],
      ...origin,
    });
  });

  it("refuses whatever only resembles the operator's token, and everything when none is set", async () => {
    const { ctx } = await begin();
    for (const text of [null, "", `${ADMIN_TOKEN} `, ADMIN_TOKEN.slice(1), ADMIN_TOKEN.toUpperCase(), "null"])
      await expect(who(ctx, text)).rejects.toMatchObject(refused);
    const without = createAuthenticator({ adminToken: null });
    for (const text of [ADMIN_TOKEN, "", "null"])
      await expect(without(ctx, text, origin)).rejects.toMatchObject(refused);
  });

  it("knows a user by a token, with the roles held in projects", async () => {
    const { ctx, shop, bank, ada, tokenOf } = await begin();
    const { token, text } = await tokenOf("ada", ["full"]);
    expect(await who(ctx, text)).toEqual({
      name: "ada",
      userId: ada.id,
      tokenId: token.id,
      systemAdmin: false,
      roles: { [shop.id]: "approver", [bank.id]: "viewer" },
      reportsIn: [],
      ...origin,
    });
  });

  it("cuts roles down to the scopes, and never lifts them", async () => {
    const { ctx, shop, bank, tokenOf } = await begin();
    const rolesUnder = async (...scopes: string[]) =>
      (await who(ctx, (await tokenOf("ada", scopes)).text)).roles;
    expect(await rolesUnder("releaser")).toEqual({ [shop.id]: "releaser", [bank.id]: "viewer" });
    expect(await rolesUnder("admin")).toEqual({ [shop.id]: "approver", [bank.id]: "viewer" });
    expect(await rolesUnder("shop:releaser")).toEqual({ [shop.id]: "releaser" });
    expect(await rolesUnder("viewer", "shop:admin")).toEqual({ [shop.id]: "approver", [bank.id]: "viewer" });
    expect(await rolesUnder("elsewhere:admin")).toEqual({});
  });

  it("keeps a system admin's rights under the scope full only", async () => {
    const { ctx, shop, bank, tokenOf } = await begin();
    await createUser(ctx, { name: "root", systemAdmin: true });
    const asRoot = async (...scopes: string[]) => await who(ctx, (await tokenOf("root", scopes)).text);
    expect(await asRoot("full")).toMatchObject({ systemAdmin: true, roles: {} });
    expect(await asRoot("releaser")).toMatchObject({
      systemAdmin: false,
      roles: { [shop.id]: "releaser", [bank.id]: "releaser" },
      reportsIn: [],
    });
    expect(await asRoot("shop:admin")).toMatchObject({ systemAdmin: false, roles: { [shop.id]: "admin" } });
  });

  it("refuses a token from the moment it is revoked", async () => {
    const { ctx, tokenOf } = await begin();
    const { token, text } = await tokenOf("ada", ["full"]);
    await who(ctx, text);
    await revokeApiToken(ctx, token.id);
    await expect(who(ctx, text)).rejects.toMatchObject(refused);
  });

  it("refuses a token from the moment it expires", async () => {
    const { ctx, tokenOf, wait } = await begin();
    const { text } = await tokenOf("ada", ["full"], new Date(ctx.now().getTime() + 1000));
    wait(999);
    await who(ctx, text);
    wait(1);
    await expect(who(ctx, text)).rejects.toMatchObject(refused);
  });

  it("refuses a disabled user's tokens, and takes them again afterwards", async () => {
    const { ctx, tokenOf } = await begin();
    const { text } = await tokenOf("ada", ["full"]);
    await changeUser(ctx, { user: "ada", change: { disabled: true } });
    await expect(who(ctx, text)).rejects.toMatchObject(refused);
    await changeUser(ctx, { user: "ada", change: { disabled: false } });
    await who(ctx, text);
  });

  it("refuses a wrong secret, an unknown id, and another token's secret", async () => {
    const { ctx, tokenOf } = await begin();
    const one = await tokenOf("ada", ["full"]);
    const other = await tokenOf("ada", ["viewer"]);
    const wrong = one.text.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const crossed = one.text.slice(0, 28) + other.text.slice(28);
    const unknown = one.text.replace(one.token.id, "0".repeat(24));
    for (const text of [wrong, crossed, unknown]) await expect(who(ctx, text)).rejects.toMatchObject(refused);
  });

  it("forgets a role at once when it is taken away", async () => {
    const { ctx, bank, tokenOf } = await begin();
    const { text } = await tokenOf("ada", ["full"]);
    await revokeRole(ctx, { projectKey: "shop", user: "ada" });
    expect((await who(ctx, text)).roles).toEqual({ [bank.id]: "viewer" });
  });

  it("keeps the hash of a secret only, and notes the last use at most once a minute", async () => {
    const { db, ctx, tokenOf, wait } = await begin();
    const { text } = await tokenOf("ada", ["full"]);
    const row = () => db.selectFrom("api_tokens").selectAll().executeTakeFirstOrThrow();
    const secret = text.slice(28);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(await row())).not.toContain(secret);
    const start = ctx.now().getTime();
    await who(ctx, text);
    wait(59_999);
    await who(ctx, text);
    expect((await row()).last_used_at).toBe(start);
    wait(1);
    await who(ctx, text);
    expect((await row()).last_used_at).toBe(start + 60_000);
  });

  it("shows nothing of a project to a token without a role in it", async () => {
    const { ctx } = await begin();
    await createUser(ctx, { name: "bob" });
    const { text } = await createApiToken(ctx, { name: "test", scopes: ["full"], user: "bob" });
    expect(as(ctx, await who(ctx, text)).actor.roles).toEqual({});
  });
});
