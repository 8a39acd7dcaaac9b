import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { type Answer, startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { create, makeCaller, makeProject, plainBody, RELEASES } from "../support/zadig-project.ts";
import { digestOf } from "../../src/kernel/digest.ts";

const HIDDEN_HOST = "registry.bank.example:5000";

/** What one project has is unknown in another, through every door. */
eachEngine((engine) => {
  describe("the walls between projects", () => {
    let server: TestServer;
    let insider: string;
    let strangers: readonly string[];
    let release: string;
    let distribution: string;
    let connection: string;
    const layer = "a layer of the bank";
    const digest = digestOf(layer);

    beforeAll(async () => {
      server = await startTestServer(await engine.place());
      await makeProject(server, "bank");
      await makeProject(server, "shop");
      insider = await makeCaller(server, "ida", "bank", "admin");
      strangers = [
        await makeCaller(server, "sam", "shop", "admin"),
        await makeCaller(server, "rolf", "shop", "releaser"),
        await makeCaller(server, "nora", "shop", null),
      ];
      const terms = {
        name: "hidden",
        host: HIDDEN_HOST,
        username: "robot",
        password: "x",
        projects: ["bank"],
      };
      connection = idOf(await server.send("POST", "/v1/connections", { body: terms }));
      const body = { version: "1", description: "a secret", labels: ["secret"] };
      const made = await server.send("POST", "/v1/projects/bank/releases", { body, token: insider });
      release = idOf(made);
      distribution = String(valueAt(made.json, "distribution", "id"));
      const pushed = await server.send("POST", `/v2/bank/app/blobs/uploads/?digest=${digest}`, {
        body: layer,
        token: insider,
        headers: { "content-type": "application/octet-stream" },
      });
      if (pushed.status !== 201) throw new Error(`the layer was not pushed: ${pushed.text}`);
    });
    afterAll(() => server.stop());

    const idOf = (answer: Answer): string => String(valueAt(answer.json, "id"));

    const requests = (): readonly (readonly [string, string, unknown?])[] => [
      ["GET", "/v1/projects/bank"],
      ["PATCH", "/v1/projects/bank", { name: "ours" }],
      ["GET", "/v1/projects/bank/services"],
      ["POST", "/v1/projects/bank/services", { name: "api" }],
      ["GET", "/v1/projects/bank/releases"],
      ["POST", "/v1/projects/bank/releases", { version: "2" }],
      ["GET", "/v1/projects/bank/releases/1"],
      ["GET", "/v1/projects/bank/release-labels"],
      ["GET", "/v1/projects/bank/roles"],
      ["PUT", "/v1/projects/bank/roles/sam", { role: "admin" }],
      ["DELETE", "/v1/projects/bank/roles/ida"],
      ["GET", `/v1/releases/${release}`],
      ["DELETE", `/v1/releases/${release}`],
      ["POST", `/v1/releases/${release}/retry`],
      ["GET", `/v1/releases/${release}/distributions`],
      ["GET", `/v1/releases/${release}/distributions/${distribution}`],
      ["GET", "/v1/events?project=bank"],
      ["GET", "/v1/events/export?project=bank"],
      ["GET", `/v1/connections/${connection}`],
      ["GET", "/v1/connections/hidden"],
      ["GET", `${RELEASES}/${release}`],
      ["GET", "/v2/bank/app/tags/list"],
      ["GET", `/v2/bank/app/blobs/${digest}`],
      ["GET", `/v2/bank%2Fapp/blobs/${digest}`],
      ["GET", `/v2/shop/app/blobs/${digest}`],
      ["GET", `/v2/bank/app/referrers/${digest}`],
      ["POST", "/v2/bank/app/blobs/uploads/"],
      ["DELETE", `/v2/bank/app/blobs/${digest}`],
    ];

    test("by id and by name, to read and to write, everything is unknown", async () => {
      for (const token of strangers)
        for (const [method, path, body] of requests()) {
          const answer = await server.send(method, path, { token, ...(body === undefined ? {} : { body }) });
          expect([method, path, answer.status]).toEqual([method, path, 404]);
        }
    });

    test("at Zadig's routes it is forbidden, as there", async () => {
      for (const token of strangers)
        for (const path of [
          "?projectKey=bank&pageNum=1&pageSize=10",
          "/detail?projectKey=bank&versionName=1",
          "/labels?projectKey=bank",
        ])
          expect((await server.send("GET", `${RELEASES}${path}`, { token })).status).toBe(403);
    });

    test("lists do not show it", async () => {
      for (const token of strangers)
        for (const path of ["/v1/projects", "/v1/connections", "/openapi/system/registry", "/v2/_catalog"]) {
          const { status, text } = await server.send("GET", path, { token });
          expect(status).toBe(200);
          expect(text).not.toMatch(/bank|hidden/);
        }
    });

    test.each([
      ["id", () => connection],
      ["name", () => "hidden"],
    ])("a release that names the other project's connection by %s learns nothing of it", async (_, name) => {
      const [, token = ""] = strangers;
      const body = { version: "2", targetConnection: name() };
      const ours = await server.send("POST", "/v1/projects/shop/releases", { body, token });
      expect(ours.status).toBe(404);
      expect(ours.text).not.toContain(HIDDEN_HOST);
      const asked = plainBody({ version_name: "2", image_registry_id: name() });
      const theirs = await create(server, asked, { token });
      expect(theirs.status).toBe(400);
      expect(theirs.text).toContain("can not find target registry");
      expect(theirs.text).not.toContain(HIDDEN_HOST);
    });

    test("nothing is taken from the other project's versions and repositories", async () => {
      const [, token = ""] = strangers;
      const from = { version: "2", source: "release", originalVersion: "1" };
      expect((await server.send("POST", "/v1/projects/shop/releases", { body: from, token })).status).toBe(
        404,
      );
      const { host } = new URL(server.url);
      const inside = (changes: object) => ({
        version: "2",
        targetConnection: "built-in",
        services: [
          { name: "api", images: [{ containerName: "c", sourceImage: `${host}/shop/app:1`, ...changes }] },
        ],
      });
      for (const body of [
        inside({ sourceImage: `${host}/bank/app:1` }),
        inside({ sourceImage: `${host}/bank/app@${digest}`, targetTag: "1" }),
        inside({ targetImage: `${host}/bank/app:1` }),
      ])
        expect((await server.send("POST", "/v1/projects/shop/releases", { body, token })).status).toBe(400);
      const mount = `/v2/shop/app/blobs/uploads/?mount=${digest}&from=bank/app`;
      expect((await server.send("POST", mount, { token })).status).toBe(202);
      expect((await server.send("GET", `/v2/shop/app/blobs/${digest}`, { token })).status).toBe(404);
    });

    test("what is there has not changed", async () => {
      const { json } = await server.send("GET", `/v1/releases/${release}`, { token: insider });
      expect(json).toMatchObject({ id: release, description: "a secret" });
    });
  });
});
