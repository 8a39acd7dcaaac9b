import Fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { type OpenDatabase, openDatabase } from "../storage/database.ts";
import { migrate } from "../storage/migrate.ts";
import { openSignUp } from "../access/open-sign-up.ts";
import { signIn } from "../access/sign-in.ts";
import type { Context } from "../context.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { signUpRoutes } from "./sign-up.ts";

describe("the sign-up form", () => {
  let app: FastifyInstance;
  let ctx: Context;
  let database: OpenDatabase;
  let directory: { path: string; remove: () => Promise<void> };
  let secret: string;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    database = await openDatabase({ kind: "embedded", directory: directory.path });
    await migrate(database.db);
    ctx = testContext(database.db);
    secret = (await openSignUp(ctx)) ?? "";
    app = Fastify();
    await app.register(signUpRoutes(ctx));
  });
  afterAll(async () => {
    await app.close();
    await database.close();
    await directory.remove();
  });

  const handIn = (fields: Record<string, string>) =>
    app.inject({
      method: "POST",
      url: "/sign-up",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: new URLSearchParams(fields).toString(),
    });

  it("is one plain page that loads nothing, may not be framed, and holds no secret", async () => {
    const page = await app.inject("/sign-up");
    expect(page.statusCode).toBe(200);
    expect(page.headers["content-security-policy"]).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(page.headers["referrer-policy"]).toBe("no-referrer");
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(page.body).not.toMatch(/(src|href)=/);
    expect(page.body).not.toContain(secret);
  });

  it("refuses a wrong code, a short password and a bad name with a sentence, and takes no harm from what is typed", async () => {
    const name = '"><script>alert(1)</script>';
    const wrong = await handIn({ secret: "wrong", name: "ana", password: "correct horse" });
    expect(wrong.statusCode).toBe(404);
    expect(wrong.body).toContain("not valid any more");
    const short = await handIn({ secret, name: "ana", password: "short" });
    expect(short.statusCode).toBe(400);
    expect(short.body).toContain("password");
    expect(short.body).not.toContain('value="short"');
    const bad = await handIn({ secret, name, password: "correct horse" });
    expect(bad.statusCode).toBe(400);
    expect(bad.body).not.toContain("<script>alert");
    expect((await handIn({})).statusCode).toBe(400);
  });

  it("makes the first admin once", async () => {
    const made = await handIn({ secret, name: "ana", password: "correct horse" });
    expect(made.statusCode).toBe(201);
    expect(made.body).toContain("ana is the first admin");
    await expect(
      signIn(ctx, { name: "ana", password: "correct horse", client: "test" }),
    ).resolves.toMatchObject({
      token: { userName: "ana" },
    });
    expect((await handIn({ secret, name: "bo", password: "correct horse" })).statusCode).toBe(404);
  });

  it("refuses forms that are too long, and other content types", async () => {
    expect((await handIn({ secret, name: "x".repeat(5000), password: "" })).statusCode).toBe(413);
    const json = await app.inject({ method: "POST", url: "/sign-up", payload: { secret } });
    expect([400, 415]).toContain(json.statusCode);
  });
});
