import { expect, it } from "vitest";
import { recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import type { Context } from "../context.ts";
import { createProject } from "../projects/create-project.ts";
import { createAuthenticator } from "./authenticate.ts";
import { createApiToken } from "./create-api-token.ts";
import { changeUser } from "./change-user.ts";
import { createUser } from "./create-user.ts";
import { grantRole } from "./grant-role.ts";
import { listApiTokens } from "./list-api-tokens.ts";
import { revokeApiToken } from "./revoke-api-token.ts";

const authenticate = createAuthenticator({ adminToken: null });
const page = { after: null, limit: 50 };
const forbidden = { code: "FORBIDDEN" };

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    const ctx = testContext(db);
    await createProject(ctx, { key: "shop", name: "Shop" });
    await createProject(ctx, { key: "bank", name: "Bank" });
    await createUser(ctx, { name: "ada" });
    await createUser(ctx, { name: "root", systemAdmin: true });
    await grantRole(ctx, { projectKey: "shop", user: "ada", role: "releaser" });
    return { db, ctx };
  }
  /** The context as a token of this user with these scopes has it. */
  async function through(ctx: Context, user: string, ...scopes: string[]): Promise<Context> {
    const { text } = await createApiToken(ctx, { name: "maker", scopes, user });
    return { ...ctx, actor: await authenticate(ctx, text, { address: null, requestId: null }) };
  }
  const make = (ctx: Context, ...scopes: string[]) => createApiToken(ctx, { name: "made", scopes });

  it("lets users make tokens that allow as much as they may, or less", async () => {
    const { ctx } = await begin();
    const ada = await through(ctx, "ada", "full");
    for (const scope of ["full", "releaser", "viewer", "shop:releaser", "shop:viewer"])
      expect((await make(ada, scope)).token).toMatchObject({ userName: "ada", scopes: [scope] });
  });

  it("refuses scopes beyond the user's own roles", async () => {
    const { ctx } = await begin();
    const ada = await through(ctx, "ada", "full");
    for (const scope of ["admin", "approver", "shop:admin", "bank:viewer", "elsewhere:viewer"])
      await expect(make(ada, "viewer", scope)).rejects.toMatchObject(forbidden);
  });

  it("refuses scopes beyond the token with which they are asked for", async () => {
    const { ctx } = await begin();
    await expect(make(await through(ctx, "ada", "viewer"), "full")).rejects.toMatchObject(forbidden);
    await expect(make(await through(ctx, "ada", "viewer"), "shop:releaser")).rejects.toMatchObject(forbidden);
    await expect(make(await through(ctx, "ada", "shop:releaser"), "viewer")).rejects.toMatchObject(forbidden);
    await expect(make(await through(ctx, "root", "admin"), "full")).rejects.toMatchObject(forbidden);
    await expect(make(await through(ctx, "root", "shop:admin"), "bank:viewer")).rejects.toMatchObject(
      forbidden,
    );
    await make(await through(ctx, "root", "shop:admin"), "shop:releaser");
  });

  it("lets system admins alone make tokens for others", async () => {
    const { ctx } = await begin();
    const forAda = { name: "made", scopes: ["viewer"], user: "ada" };
    expect((await createApiToken(await through(ctx, "root", "full"), forAda)).token.userName).toBe("ada");
    const others = { ...forAda, user: "root" };
    await expect(createApiToken(await through(ctx, "ada", "full"), others)).rejects.toMatchObject(forbidden);
    await expect(createApiToken(await through(ctx, "root", "admin"), forAda)).rejects.toMatchObject(
      forbidden,
    );
  });

  it("does not let a token with scopes make one that outlives it", async () => {
    const { ctx } = await begin();
    const expiresAt = new Date(Date.now() + 3_600_000);
    const { text } = await createApiToken(ctx, {
      name: "job",
      scopes: ["shop:viewer"],
      user: "ada",
      expiresAt,
    });
    const job = { ...ctx, actor: await authenticate(ctx, text, { address: null, requestId: null }) };
    const ask = (end: Date | null) =>
      createApiToken(job, { name: "made", scopes: ["shop:viewer"], expiresAt: end });
    await expect(ask(null)).rejects.toMatchObject(forbidden);
    await expect(ask(new Date(expiresAt.getTime() + 1))).rejects.toMatchObject(forbidden);
    await ask(expiresAt);
  });

  it("names the field that is wrong", async () => {
    const { ctx } = await begin();
    const ask = (input: object) =>
      createApiToken(ctx, { name: "x", scopes: ["full"], user: "ada", ...input });
    const invalid = (message: RegExp) => ({
      code: "INPUT_INVALID",
      message: expect.stringMatching(message) as string,
    });
    await expect(ask({ name: "" })).rejects.toMatchObject(invalid(/^name: /));
    await expect(ask({ name: "x".repeat(129) })).rejects.toMatchObject(invalid(/^name: /));
    await expect(ask({ scopes: [] })).rejects.toMatchObject(invalid(/^scopes: /));
    await expect(ask({ scopes: ["owner"] })).rejects.toMatchObject(invalid(/^scopes\.0: must be full/));
    await expect(ask({ expiresAt: new Date(0) })).rejects.toMatchObject(invalid(/^expiresAt: /));
    await expect(ask({ user: undefined })).rejects.toMatchObject(invalid(/^user: /));
    await expect(ask({ user: "nobody" })).rejects.toMatchObject({ code: "USER_NOT_FOUND" });
    await changeUser(ctx, { user: "ada", change: { disabled: true } });
    await expect(ask({})).rejects.toMatchObject(invalid(/^user: ada is disabled/));
  });

  it("lists a user's own tokens; everybody's for a system admin; never a secret", async () => {
    const { ctx } = await begin();
    const ada = await through(ctx, "ada", "full");
    const root = await through(ctx, "root", "full");
    const made = await make(ada, "viewer");
    const own = await listApiTokens(ada, { page });
    expect(own.items.map((token) => token.userName)).toEqual(["ada", "ada"]);
    expect(JSON.stringify(own)).not.toContain(made.text.slice(28));
    expect((await listApiTokens(root, { page })).items).toHaveLength(3);
    expect((await listApiTokens(root, { page, user: "ada" })).items).toEqual(own.items);
    expect((await listApiTokens(ada, { page, user: "ada" })).items).toEqual(own.items);
    await expect(listApiTokens(ada, { page, user: "root" })).rejects.toMatchObject(forbidden);
  });

  it("lets users revoke their own tokens, and nobody else's", async () => {
    const { db, ctx } = await begin();
    const ada = await through(ctx, "ada", "full");
    const root = await through(ctx, "root", "full");
    const { token } = await make(ada, "viewer");
    await expect(revokeApiToken(ada, root.actor.tokenId ?? "")).rejects.toMatchObject({
      code: "TOKEN_NOT_FOUND",
    });
    await expect(revokeApiToken(ada, "0".repeat(24))).rejects.toMatchObject({ code: "TOKEN_NOT_FOUND" });
    await revokeApiToken(ada, token.id);
    await revokeApiToken(ada, token.id);
    await revokeApiToken(root, ada.actor.tokenId ?? "");
    const revoked = (await recordedEvents(db)).filter((event) => event.kind === "token.revoked");
    expect(revoked).toHaveLength(2);
  });

  it("does not let a token revoke one of the same user that allows more", async () => {
    const { ctx } = await begin();
    const ada = await through(ctx, "ada", "full");
    const narrow = await through(ctx, "ada", "viewer");
    await expect(revokeApiToken(narrow, ada.actor.tokenId ?? "")).rejects.toMatchObject(forbidden);
    await revokeApiToken(narrow, narrow.actor.tokenId ?? "");
  });

  it("writes no secret into the events", async () => {
    const { db, ctx } = await begin();
    const { token, text } = await createApiToken(ctx, { name: "made", scopes: ["full"], user: "ada" });
    const event = (await recordedEvents(db)).at(-1);
    expect(event?.kind).toBe("token.created");
    expect(event?.json).toContain(token.id);
    expect(event?.json).not.toContain(text.slice(28));
  });
});
