import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthenticator } from "../../src/access/authenticate.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { type ApiServer, startApi } from "./api-server.ts";

const ADMIN = "an admin token for tests, long enough";

describe("users, roles and tokens at /v1", () => {
  eachEngine((engine) => {
    let server: ApiServer;
    beforeAll(async () => {
      const { db } = await engine.open();
      server = await startApi(testContext(db), createAuthenticator({ adminToken: ADMIN }));
      await server.send(ADMIN, "POST", "/v1/projects", { key: "shop" });
      await server.send(ADMIN, "POST", "/v1/projects", { key: "other" });
      await server.send(ADMIN, "POST", "/v1/users", { name: "ana", password: "correct horse" });
    });
    afterAll(() => server.close());

    const signIn = async (name: string, password: string): Promise<string> => {
      const { body } = await server.send(null, "POST", "/v1/sign-in", { name, password });
      return (body as { text: string }).text;
    };

    it("signs in with name and password, and shows who that is", async () => {
      await server.send(ADMIN, "PUT", "/v1/projects/shop/roles/ana", { role: "admin" });
      const token = await signIn("ana", "correct horse");
      expect(await server.send(token, "GET", "/v1/whoami")).toMatchObject({
        status: 200,
        body: { name: "ana", systemAdmin: false, roles: [{ project: "shop", role: "admin" }] },
      });
      expect(await server.send(token, "GET", "/v1/projects")).toMatchObject({
        body: { items: [{ key: "shop" }] },
      });
      expect((await server.send(token, "GET", "/v1/users")).status).toBe(403);
    });

    it("refuses a wrong password and an unknown user alike, and many of them with 429 and Retry-After", async () => {
      const wrong = await server.send(null, "POST", "/v1/sign-in", { name: "ana", password: "x" });
      const unknown = await server.send(null, "POST", "/v1/sign-in", { name: "nobody", password: "x" });
      expect(wrong.status).toBe(401);
      expect({ ...(wrong.body as object), requestId: "" }).toEqual({
        ...(unknown.body as object),
        requestId: "",
      });
      await server.send(ADMIN, "POST", "/v1/users", { name: `${engine.name}-victim` });
      const many = await Promise.all(
        Array.from({ length: 12 }, () =>
          server.send(null, "POST", "/v1/sign-in", { name: `${engine.name}-victim`, password: "x" }),
        ),
      );
      const limited = many.find((answer) => answer.status === 429);
      expect(limited?.body).toMatchObject({ type: "urn:headgate:error:RATE_LIMITED" });
      expect(Number(limited?.headers.get("retry-after"))).toBeGreaterThan(0);
    });

    it("never answers with a password or its hash", async () => {
      const { body } = await server.send(ADMIN, "GET", "/v1/users/ana");
      expect(body).toMatchObject({ name: "ana", hasPassword: true });
      expect(JSON.stringify(body)).not.toMatch(/argon|correct/);
    });

    it("grants and revokes roles at once", async () => {
      await server.send(ADMIN, "POST", "/v1/users", { name: "bo", password: "battery staple" });
      const token = await signIn("bo", "battery staple");
      expect((await server.send(token, "GET", "/v1/projects/other")).status).toBe(404);
      await server.send(ADMIN, "PUT", "/v1/projects/other/roles/bo", { role: "viewer" });
      expect((await server.send(token, "GET", "/v1/projects/other")).status).toBe(200);
      expect((await server.send(token, "PATCH", "/v1/projects/other", { name: "Mine" })).status).toBe(403);
      expect((await server.send(ADMIN, "DELETE", "/v1/projects/other/roles/bo")).status).toBe(204);
      expect((await server.send(token, "GET", "/v1/projects/other")).status).toBe(404);
      const bad = await server.send(ADMIN, "PUT", "/v1/projects/other/roles/bo", { role: "king" });
      expect(bad).toMatchObject({ status: 400, body: { errors: [{ path: "role" }] } });
    });

    it("makes a token once with a key, and replays it without its text", async () => {
      const key = { "idempotency-key": "token-1" };
      const body = { name: "ci", scopes: ["shop:viewer"], user: "ana" };
      const first = await server.send(ADMIN, "POST", "/v1/tokens", body, key);
      expect(first).toMatchObject({ status: 201, body: { text: expect.stringMatching(/^hg_/) } });
      expect(first.headers.get("idempotency-replayed")).toBeNull();
      const again = await server.send(ADMIN, "POST", "/v1/tokens", body, key);
      expect(again).toMatchObject({ status: 201, body: { ...(first.body as object), text: null } });
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      const other = await server.send(ADMIN, "POST", "/v1/tokens", { ...body, name: "other" }, key);
      expect(other).toMatchObject({ status: 422, body: { type: "urn:headgate:error:IDEMPOTENCY_MISMATCH" } });
    });

    it("makes one of two projects asked for at once with one key", async () => {
      const asked = { key: "at-once" };
      const headers = { "idempotency-key": "at-once" };
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => server.send(ADMIN, "POST", "/v1/projects", asked, headers)),
      );
      const made = answers.filter((answer) => answer.status === 201);
      const running = answers.filter((answer) => answer.status === 409);
      expect(made.length + running.length).toBe(4);
      expect(made.filter((answer) => answer.headers.get("idempotency-replayed") === null)).toHaveLength(1);
      for (const answer of running)
        expect(answer.body).toMatchObject({ type: "urn:headgate:error:IDEMPOTENCY_RUNNING" });
    });

    it("ends a revoked token at once", async () => {
      const { body } = await server.send(ADMIN, "POST", "/v1/tokens", {
        name: "t",
        scopes: ["full"],
        user: "ana",
      });
      const made = body as { token: { id: string }; text: string };
      expect((await server.send(made.text, "GET", "/v1/whoami")).status).toBe(200);
      expect((await server.send(ADMIN, "DELETE", `/v1/tokens/${made.token.id}`)).status).toBe(204);
      expect((await server.send(made.text, "GET", "/v1/whoami")).status).toBe(401);
    });
  });
});
