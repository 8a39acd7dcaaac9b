import { expect, it } from "vitest";
import { as, recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import type { Context } from "../context.ts";
import { isDomainError } from "../kernel/errors.ts";
import { NOBODY } from "./actor.ts";
import { createAuthenticator } from "./authenticate.ts";
import { changeUser } from "./change-user.ts";
import { createUser } from "./create-user.ts";
import { signIn } from "./sign-in.ts";

const PASSWORD = "correct horse battery";
const refused = { code: "SIGN_IN_REFUSED", message: "Unknown user or wrong password" };
const authenticate = createAuthenticator({ adminToken: null });
let visitors = 0;

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    let clock = Date.UTC(2026, 0, 1);
    const ctx = testContext(db, { now: () => new Date(clock) });
    const user = await createUser(ctx, { name: `ada${(visitors += 1)}`, password: PASSWORD });
    const visitor = as(ctx, { ...NOBODY, address: `198.51.100.${visitors}` });
    const wait = (millis: number) => {
      clock += millis;
    };
    return { db, ctx, user, visitor, wait };
  }
  const enter = (ctx: Context, name: string, password: string) =>
    signIn(ctx, { name, password, client: "CLI on build-7" });

  it("gives a token for 30 days, named after the client", async () => {
    const { db, ctx, user, visitor } = await begin();
    const { token, text } = await enter(visitor, user.name, PASSWORD);
    expect(token).toMatchObject({ userName: user.name, name: "CLI on build-7", scopes: ["full"] });
    expect(token.expiresAt).toEqual(new Date(Date.UTC(2026, 0, 31)));
    const actor = await authenticate(ctx, text, { address: null, requestId: null });
    expect(actor.userId).toBe(user.id);
    const events = (await recordedEvents(db)).slice(-2);
    expect(events.map((event) => event.kind)).toEqual(["user.signed_in", "token.created"]);
    for (const event of events) {
      expect(JSON.parse(event.json)).toMatchObject({
        actor: { name: user.name, userId: user.id },
        address: visitor.actor.address,
      });
      expect(event.json).not.toContain(PASSWORD);
      expect(event.json).not.toContain(text.slice(28));
    }
  });

  it("answers the same to a wrong password, an unknown user, a disabled one, and one without a password", async () => {
    const { ctx, user, visitor } = await begin();
    await expect(enter(visitor, user.name, "wrong horse battery")).rejects.toMatchObject(refused);
    await expect(enter(visitor, `no-${user.name}`, PASSWORD)).rejects.toMatchObject(refused);
    await expect(enter(visitor, user.id, PASSWORD)).rejects.toMatchObject(refused);
    await expect(enter(visitor, "headgate", "")).rejects.toMatchObject(refused);
    await changeUser(ctx, { user: user.id, change: { disabled: true } });
    await expect(enter(visitor, user.name, PASSWORD)).rejects.toMatchObject(refused);
    await changeUser(ctx, { user: user.id, change: { disabled: false, password: null } });
    await expect(enter(visitor, user.name, PASSWORD)).rejects.toMatchObject(refused);
  });

  it("takes the new password and not the old one after a change", async () => {
    const { ctx, user, visitor } = await begin();
    await changeUser(ctx, { user: user.name, change: { password: "another horse altogether" } });
    await expect(enter(visitor, user.name, PASSWORD)).rejects.toMatchObject(refused);
    await enter(visitor, user.name, "another horse altogether");
  });

  it("refuses even the right password after ten wrong ones, from wherever they came, for a quarter of an hour", async () => {
    const { user, visitor, wait } = await begin();
    const tries = Array.from({ length: 12 }, (_, number) =>
      enter(as(visitor, { address: `203.0.113.${number}` }), user.name, "wrong horse battery"),
    );
    const codes = (await Promise.allSettled(tries)).map((end) =>
      end.status === "rejected" ? (end.reason as { code: string }).code : "in",
    );
    expect(codes.filter((code) => code === "SIGN_IN_REFUSED")).toHaveLength(10);
    expect(codes.filter((code) => code === "RATE_LIMITED")).toHaveLength(2);
    await expect(enter(visitor, user.name, PASSWORD)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    wait(15 * 60_000);
    await enter(visitor, user.name, PASSWORD);
  });

  it("limits wrong passwords by address too, whatever the names", async () => {
    const { user, visitor } = await begin();
    const tries = Array.from({ length: 50 }, (_, number) =>
      enter(visitor, `${user.name}-${number}`, "wrong"),
    );
    await Promise.allSettled(tries);
    await expect(enter(visitor, user.name, PASSWORD)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await enter(as(visitor, { address: "203.0.113.200" }), user.name, PASSWORD);
  });

  it("counts no attempts of an address that is refused against a name", async () => {
    const { ctx, user, visitor } = await begin();
    for (let attempt = 0; attempt < 50; attempt += 1)
      await enter(visitor, `nobody-${user.name}-${attempt}`, "wrong").catch(() => undefined);
    for (let attempt = 0; attempt < 12; attempt += 1)
      await expect(enter(visitor, user.name, "wrong")).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await enter(as(ctx, { ...NOBODY, address: "203.0.113.200" }), user.name, PASSWORD);
  });

  it("takes the addresses of one IPv6 customer for one", async () => {
    const { ctx, user } = await begin();
    const from = (host: number) =>
      as(ctx, { ...NOBODY, address: `2001:db8:${visitors}::${host.toString(16)}` });
    for (let attempt = 0; attempt < 50; attempt += 1)
      await enter(from(attempt), `guess-${user.name}-${attempt}`, "wrong").catch(() => undefined);
    await expect(enter(from(1000), user.name, PASSWORD)).rejects.toMatchObject({ code: "RATE_LIMITED" });
  });

  it("hashes for so many at once, and asks the others to come again in a second", async () => {
    const { ctx, user } = await begin();
    const tries = Array.from({ length: 120 }, (_, index) =>
      enter(as(ctx, { ...NOBODY, address: null }), `crowd-${user.name}-${index}`, "wrong").catch(
        (error: unknown) => error,
      ),
    );
    const outcomes = await Promise.all(tries);
    const refusedAtOnce = outcomes.filter((error) => isDomainError(error, "RATE_LIMITED"));
    expect(refusedAtOnce.length).toBe(20);
    expect(refusedAtOnce[0]).toMatchObject({ details: { retryAfterSeconds: 1 } });
    await enter(as(ctx, { ...NOBODY, address: null }), user.name, PASSWORD);
  });

  it("does not count successes", async () => {
    const { user, visitor } = await begin();
    const texts = new Set<string>();
    for (let time = 0; time < 12; time += 1) texts.add((await enter(visitor, user.name, PASSWORD)).text);
    expect(texts.size).toBe(12);
  });

  it("refuses a password too long to hash, and a client without a name", async () => {
    const { user, visitor } = await begin();
    await expect(enter(visitor, user.name, "x".repeat(257))).rejects.toMatchObject({ code: "INPUT_INVALID" });
    const unnamed = signIn(visitor, { name: user.name, password: PASSWORD, client: "" });
    await expect(unnamed).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });
});
