import { expect, it } from "vitest";
import { as, recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { ensureBuiltInConnection } from "../connections/ensure-built-in-connection.ts";
import type { Context } from "../context.ts";
import { NOBODY } from "./actor.ts";
import { createUser } from "./create-user.ts";
import { listUsers } from "./list-users.ts";
import { openSignUp } from "./open-sign-up.ts";
import { signUp } from "./sign-up.ts";

const PASSWORD = "correct horse battery";
const closed = { code: "SIGN_UP_CLOSED" };
const DAY = 24 * 3_600_000;

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    let clock = Date.UTC(2026, 0, 1);
    const ctx = testContext(db, { now: () => new Date(clock) });
    const visitor = as(ctx, { ...NOBODY, address: "192.0.2.1" });
    const wait = (millis: number) => {
      clock += millis;
    };
    return { db, ctx, visitor, wait };
  }
  async function open(ctx: Context): Promise<string> {
    const secret = await openSignUp(ctx);
    if (secret === null) throw new Error("sign-up is closed");
    return secret;
  }
  const admins = async (ctx: Context) =>
    (await listUsers(ctx, { after: null, limit: 50 })).items.filter(
      (user) => user.systemAdmin && user.hasPassword,
    );

  it("makes the first system admin, once, and offers no link from then on", async () => {
    const { db, ctx, visitor } = await begin();
    const secret = await open(ctx);
    const ada = await signUp(visitor, { secret, name: "ada", password: PASSWORD });
    expect(ada).toMatchObject({ name: "ada", systemAdmin: true, hasPassword: true });
    await expect(signUp(visitor, { secret, name: "eve", password: PASSWORD })).rejects.toMatchObject(closed);
    expect(await openSignUp(ctx)).toBeNull();
    const event = (await recordedEvents(db)).at(-1);
    expect(JSON.parse(event?.json ?? "")).toMatchObject({ kind: "user.created", actor: { name: "ada" } });
    expect(event?.json).not.toContain(secret);
    expect(event?.json).not.toContain(PASSWORD);
  });

  it("makes one admin of two who sign up at once", async () => {
    const { ctx, visitor } = await begin();
    const secret = await open(ctx);
    const ends = await Promise.allSettled(
      ["ada", "eve"].map((name) => signUp(visitor, { secret, name, password: PASSWORD })),
    );
    expect(ends.map((end) => end.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(ends.find((end) => end.status === "rejected")?.reason).toMatchObject(closed);
    expect(await admins(ctx)).toHaveLength(1);
  });

  it("ends after 24 hours", async () => {
    const { ctx, visitor, wait } = await begin();
    const secret = await open(ctx);
    wait(DAY);
    await expect(signUp(visitor, { secret, name: "ada", password: PASSWORD })).rejects.toMatchObject(closed);
  });

  it("has one link at a time: a restart makes a new one and voids the old", async () => {
    const { ctx, visitor } = await begin();
    const old = await open(ctx);
    const secret = await open(ctx);
    await expect(signUp(visitor, { secret: old, name: "eve", password: PASSWORD })).rejects.toMatchObject(
      closed,
    );
    await signUp(visitor, { secret, name: "ada", password: PASSWORD });
  });

  it("keeps the hash of the link only, and refuses every other text", async () => {
    const { db, ctx, visitor } = await begin();
    const secret = await open(ctx);
    const rows = await db.selectFrom("sign_up_links").selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(secret);
    for (const text of ["", "x", secret.slice(1), rows[0]?.secret_hash ?? ""])
      await expect(signUp(visitor, { secret: text, name: "eve", password: PASSWORD })).rejects.toMatchObject(
        closed,
      );
  });

  it("leaves the link good when name or password will not do", async () => {
    const { ctx, visitor } = await begin();
    await createUser(ctx, { name: "taken" });
    const secret = await open(ctx);
    const ask = (name: string, password: string) => signUp(visitor, { secret, name, password });
    await expect(ask("taken", PASSWORD)).rejects.toMatchObject({ code: "USER_EXISTS" });
    await expect(ask("ada", "too short")).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await expect(ask("headgate", PASSWORD)).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await ask("ada", PASSWORD);
  });

  it("is closed when an admin came to be in another way, and open while the program's own user is alone", async () => {
    const { ctx, visitor } = await begin();
    await ensureBuiltInConnection(ctx, { host: "127.0.0.1:7420", plainHttp: true, allowPrivate: true });
    await createUser(ctx, { name: "robot", systemAdmin: true });
    const secret = await open(ctx);
    await createUser(ctx, { name: "root", systemAdmin: true, password: PASSWORD });
    expect(await openSignUp(ctx)).toBeNull();
    await expect(signUp(visitor, { secret, name: "eve", password: PASSWORD })).rejects.toMatchObject(closed);
  });
});
