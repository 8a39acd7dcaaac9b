import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { create, makeCaller, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

/** Who may do what. Numbers are those of the acceptance facts in the notes on Zadig's versions. */
eachEngine((engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await engine.place());
    await makeProject(server, "shop");
    await makeProject(server, "bank");
  });
  afterAll(() => server.stop());

  const list = (query: string, options = {}) => server.send("GET", `${RELEASES}?${query}`, options);
  const page = "projectKey=shop&pageNum=1&pageSize=10";

  describe("who may ask (1-6)", () => {
    test.each([
      ["no token", {}],
      ["a token nobody knows", { authorization: "Bearer hg_nobody" }],
      ["three words", { authorization: "Bearer one two" }],
      ["one word", { authorization: "alone" }],
    ])("%s is answered 401 without a body", async (_, headers) => {
      const answer = await list(page, { token: null, headers });
      expect([answer.status, answer.text]).toEqual([401, ""]);
    });

    test("the first word of the header does not matter, and the query may carry the token", async () => {
      const authorization = `Token ${server.adminToken}`;
      expect((await list(page, { token: null, headers: { authorization } })).status).toBe(200);
      expect((await list(`${page}&token=${server.adminToken}`, { token: null })).status).toBe(200);
    });

    test("a token in the query that differs from the header's is refused", async () => {
      expect((await list(`${page}&token=${server.adminToken}`, { token: "x".repeat(40) })).status).toBe(401);
      expect((await list(`${page}&token=${"x".repeat(40)}`)).status).toBe(401);
    });

    test("rights are those in the record's own project; 403 has no body", async () => {
      const [viewer, releaser, stranger] = await Promise.all([
        makeCaller(server, "vera", "shop", "viewer"),
        makeCaller(server, "rolf", "shop", "releaser"),
        makeCaller(server, "sam", "bank", "admin"),
      ]);
      expect((await create(server, plainBody({ version_name: "rights" }), { token: viewer })).status).toBe(
        403,
      );
      expect((await create(server, plainBody({ version_name: "rights" }), { token: releaser })).status).toBe(
        200,
      );
      const id = String(valueAt(await settled(server, "rights"), "id"));
      expect((await list(page, { token: viewer })).status).toBe(200);
      const refused = await list(page, { token: stranger });
      expect([refused.status, refused.text]).toEqual([403, ""]);
      expect((await server.send("GET", `${RELEASES}/${id}`, { token: viewer })).status).toBe(200);
      expect((await server.send("GET", `${RELEASES}/${id}`, { token: stranger })).status).toBe(404);
      const retry = { body: { id, projectKey: "shop" } };
      expect((await server.send("POST", `${RELEASES}/retry`, { ...retry, token: viewer })).status).toBe(403);
      expect((await server.send("POST", `${RELEASES}/retry`, { ...retry, token: stranger })).status).toBe(
        403,
      );
      const path = `${RELEASES}/${id}?projectKey=shop`;
      expect((await server.send("DELETE", path, { token: releaser })).status).toBe(403);
      expect((await server.send("DELETE", path, { token: stranger })).status).toBe(403);
      expect((await server.send("GET", `${RELEASES}/${id}`)).status).toBe(200);
    });

    test("rights are looked at before what is asked for, as in Zadig", async () => {
      const token = await makeCaller(server, "vito", "shop", "viewer");
      const unknown = "0".repeat(24);
      const asked = [
        server.send("POST", `${RELEASES}/retry`, { body: { id: unknown, projectKey: "shop" }, token }),
        server.send("DELETE", `${RELEASES}/${unknown}?projectKey=shop`, { token }),
        server.send("DELETE", `${RELEASES}/xyz?projectKey=shop`, { token }),
        create(server, plainBody({ source: "from_env" }), { token }),
        create(server, plainBody({ image_registry_id: unknown }), { token }),
      ];
      for (const { status, text } of await Promise.all(asked)) expect([status, text]).toEqual([403, ""]);
      const malformed = server.send("POST", `${RELEASES}/retry`, { body: { projectKey: "shop" }, token });
      expect((await malformed).status).toBe(400);
    });

    test("only a system admin learns that a project does not exist", async () => {
      const releaser = await makeCaller(server, "rita", "shop", "releaser");
      const body = plainBody({ project_key: "nowhere" });
      const unknown = await create(server, body);
      expect(unknown.status).toBe(400);
      expect(unknown.json).toMatchObject({
        code: 6560,
        type: "error",
        description: "Unknown project nowhere",
      });
      expect((await create(server, body, { token: releaser })).status).toBe(403);
    });
  });
});
