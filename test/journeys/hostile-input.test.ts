import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { makeProject, plainBody, RELEASES } from "../support/zadig-project.ts";

/** Texts that one of the engines cannot store. */
const TEXTS = ["a\u0000b", "a\ud800b"];
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

eachEngine((engine) => {
  describe("input that nobody means well", () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer(await engine.place());
      await makeProject(server, "shop");
    });
    afterAll(() => server.stop());

    const image = (changes: object) => ({
      services: [
        {
          name: "api",
          images: [{ containerName: "c", sourceImage: "a.example/x:1", push: false, ...changes }],
        },
      ],
    });
    const bodies = TEXTS.flatMap((text): [string, string, string, object][] => [
      ["POST", "/v1/projects", "name", { key: "new", name: text }],
      ["PATCH", "/v1/projects/shop", "name", { name: text }],
      ["POST", "/v1/connections", "region", { name: "new", host: "a.example", region: text }],
      [
        "POST",
        "/v1/connections",
        "password",
        { name: "new", host: "a.example", username: "u", password: text },
      ],
      ["POST", "/v1/tokens", "name", { name: text, scopes: ["full"], user: "ana" }],
      ["POST", "/v1/tokens", "user", { name: "ci", scopes: ["full"], user: text }],
      ["POST", "/v1/sign-in", "name", { name: text, password: "x" }],
      ["POST", "/v1/sign-in", "client", { name: "ana", password: "x", client: text }],
      ["POST", "/v1/configuration/plan", "projects.0.name", { projects: [{ key: "new", name: text }] }],
      ["POST", "/v1/projects/shop/releases", "description", { version: "1", description: text }],
      ["POST", "/v1/projects/shop/releases", "labels.0", { version: "1", labels: [text] }],
      [
        "POST",
        "/v1/projects/shop/releases",
        "services.0.yaml",
        { version: "1", services: [{ name: "api", yaml: `a: ${text}` }] },
      ],
      [
        "POST",
        "/v1/projects/shop/releases",
        "services.0.images.0.imageName",
        { version: "1", ...image({ imageName: text }) },
      ],
    ]);

    test.each(bodies)(
      "%s %s refuses a text that cannot be stored in %s %j",
      async (method, path, field, body) => {
        for (const headers of [{}, { "idempotency-key": `key-${field}-${JSON.stringify(body).length}` }]) {
          const answer = await server.send(method, path, { body, headers });
          expect([answer.status, valueAt(answer.json, "errors", 0, "path")]).toEqual([400, field]);
        }
      },
    );

    test.each([
      "/v1/users/%00",
      "/v1/connections/%00",
      "/v1/tokens?user=%00",
      "/v1/events?subject=%00",
      "/v1/projects/shop/releases?label=%00",
      `${RELEASES}/%00`,
      `${RELEASES}/detail?projectKey=shop&versionName=%00`,
      `${RELEASES}?projectKey=%00&pageNum=1&pageSize=1`,
      "/api/aslan/delivery/releases/labels?projectName=%00",
      "/v2/_catalog?last=%00",
      `/v2/shop/x/referrers/sha256:${"a".repeat(64)}?artifactType=%00`,
      "/v2/shop/x/tags/list?last=%00",
    ])("GET %s is a 400 that says why", async (path) => {
      const answer = await server.send("GET", path);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain("must not hold the character U+0000");
    });

    test.each(
      TEXTS.flatMap((text) => ["desc", "env_name", "image_registry_id"].map((field) => [field, text])),
    )("Zadig's create names the field %s with %j", async (field, text) => {
      const body = plainBody({ version_name: "hostile", [field]: text });
      const answer = await server.send("POST", `${RELEASES}/k8s`, { body });
      expect(answer.status).toBe(400);
      expect(String(valueAt(answer.json, "description"))).toMatch(new RegExp(`^${field}: must `));
    });

    test.each(TEXTS)("a manifest with the text %j is refused, with the field's name", async (text) => {
      const manifest = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [], artifactType: text };
      const options = { body: manifest, headers: { "content-type": INDEX_TYPE } };
      const answer = await server.send("PUT", "/v2/shop/x/manifests/v1", options);
      expect([answer.status, valueAt(answer.json, "errors", 0, "code")]).toEqual([400, "MANIFEST_INVALID"]);
      expect(answer.text).toContain("artifactType: must ");
    });

    test("a body of many thousand unknown fields is refused at once, with a short answer", async () => {
      const members = Array.from({ length: 300_000 }, (_, index) => `"k${index}":0`);
      const answer = await server.send("POST", "/v1/projects", { body: `{${members.join(",")}}` });
      expect(answer.status).toBe(400);
      expect(answer.text.length).toBeLessThan(10_000);
    });

    test.each([
      ["POST", "/v1/projects", { key: "a-".repeat(4_000_000) }],
      ["POST", "/v1/connections", { name: "a", host: "x.y", namespace: "a-".repeat(4_000_000) }],
    ])("%s %s refuses a name of mebibytes as too long", async (method, path, body) => {
      const answer = await server.send(method, path, { body });
      expect(answer.status).toBe(400);
    });

    test("nesting without end is refused at every door", async () => {
      const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
      for (const path of ["/v1/projects", `${RELEASES}/k8s`]) {
        const answer = await server.send("POST", path, { body: `{"key":"deep","project_key":${deep}}` });
        expect(answer.status).toBe(400);
        expect(answer.text).toContain("project_key.0.0: is nested too deeply");
      }
    });
  });
});
