import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenDatabase, openDatabase } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { testContext } from "../support/context.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type ApiServer, byName, startApi } from "./api-server.ts";

describe("bad input at /v1", () => {
  let server: ApiServer;
  let database: OpenDatabase;
  let directory: { path: string; remove: () => Promise<void> };
  beforeAll(async () => {
    directory = await temporaryDirectory();
    database = await openDatabase({ kind: "embedded", directory: directory.path });
    await migrate(database.db);
    server = await startApi(testContext(database.db), byName({ root: { systemAdmin: true } }));
    await server.send("root", "POST", "/v1/projects", { key: "shop" });
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    await directory.remove();
  });

  const fieldOf = (body: unknown): string | undefined =>
    (body as { errors?: { path: string }[] }).errors?.[0]?.path;

  it.each([
    ["a number for a text", { key: 7 }, "key"],
    ["a missing field", {}, "key"],
    ["a field that nobody knows", { key: "a", colour: "red" }, "colour"],
    ["a name that is too long", { key: "a".repeat(64) }, "key"],
    ["a path trick", { key: "../../etc" }, "key"],
    ["an empty display name", { key: "a", name: "" }, "name"],
    ["a text for a list", { key: "a", name: ["x"] }, "name"],
  ])("names the field of %s", async (_, body, field) => {
    const answer = await server.send("root", "POST", "/v1/projects", body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(fieldOf(answer.body)).toBe(field);
    expect((answer.body as { detail: string }).detail).toContain(field);
  });

  it.each([
    ["broken JSON", '{"key": '],
    ["a list", "[]"],
    ["a text", '"shop"'],
    ["nothing at all", ""],
  ])("refuses %s as a body and says what it wants", async (_, body) => {
    const answer = await server.send("root", "POST", "/v1/projects", body);
    expect(answer).toMatchObject({ status: 400, body: { status: 400, errors: [{ path: "" }] } });
    expect((answer.body as { detail: string }).detail).toMatch(/JSON/);
  });

  it("refuses other content types with 415", async () => {
    const answer = await server.send("root", "POST", "/v1/projects", "key=shop", {
      "content-type": "text/plain",
    });
    expect(answer).toMatchObject({ status: 415, body: { type: "urn:headgate:error:CONTENT_TYPE_UNKNOWN" } });
  });

  it("refuses a body over the limit with 413, and nothing is written", async () => {
    const body = { key: "large", name: "x".repeat(9 * 1024 * 1024) };
    const answer = await server.send("root", "POST", "/v1/projects", body);
    expect(answer).toMatchObject({ status: 413, body: { type: "urn:headgate:error:BODY_TOO_LARGE" } });
    expect((await server.send("root", "GET", "/v1/projects/large")).status).toBe(404);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=many", "limit"],
    ["after=nonsense", "after"],
    ["colour=red", "colour"],
  ])("refuses the query %s by name", async (query, field) => {
    const answer = await server.send("root", "GET", `/v1/projects?${query}`);
    expect(answer.status).toBe(400);
    expect(fieldOf(answer.body)).toBe(field);
  });

  it.each(["..%2F..%2Fetc", "%00", "Shop", `a${"b".repeat(70)}`])(
    "refuses %s as a project's key",
    async (key) => {
      const answer = await server.send("root", "GET", `/v1/projects/${key}`);
      expect(answer.status).toBe(400);
      expect(fieldOf(answer.body)).toBe("project");
    },
  );

  it("answers an unknown route with 404 and a wrong method with 405 and Allow", async () => {
    expect(await server.send("root", "GET", "/v1/nothing")).toMatchObject({
      status: 404,
      body: { type: "urn:headgate:error:ROUTE_UNKNOWN" },
    });
    const wrong = await server.send("root", "DELETE", "/v1/projects/shop");
    expect(wrong).toMatchObject({ status: 405, body: { type: "urn:headgate:error:METHOD_NOT_ALLOWED" } });
    expect(wrong.headers.get("allow")).toBe("GET, HEAD, PATCH");
  });

  it("asks for a token with a hint, on every route, known or not", async () => {
    for (const path of ["/v1/projects", "/v1/nothing"]) {
      const answer = await server.send(null, "GET", path);
      expect(answer).toMatchObject({ status: 401, body: { type: "urn:headgate:error:UNAUTHENTICATED" } });
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="headgate"');
      expect((answer.body as { detail: string }).detail).toMatch(/headgate login/);
    }
    expect((await server.send("nobody", "GET", "/v1/projects")).status).toBe(401);
    const basic = await server.send(null, "GET", "/v1/projects", undefined, {
      authorization: "Basic cm9vdDo=",
    });
    expect(basic.status).toBe(401);
  });
});
