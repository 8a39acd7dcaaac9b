import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeProject } from "../../src/projects/change-project.ts";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene } from "../support/deploy-scene.ts";
import { valueAt } from "../support/server.ts";

const NO_PROJECT = { status: 404, json: { error: "Release project not found" } };
const NO_ENVIRONMENT = { status: 404, json: { error: "Release environment not found" } };
const NO_JSON = { status: 400, json: { error: "Invalid JSON body" } };

eachEngine((engine) => {
  describe("requests to Aviator's API", () => {
    let scene: DeployScene;
    beforeAll(async () => {
      scene = await deployScene(engine);
      await scene.addEnvironment("web", { name: "prod" });
      await scene.cut("1.2.3-rc1");
      await scene.addProject("app");
      await changeProject(scene.server.ctx, { key: "app", name: "My App 100%+ä" });
      await scene.addEnvironment("app", { name: "prod" });
    });
    afterAll(() => scene.stop());

    const PROD = "/api/releases/web/environments/prod";
    const version = { release_candidate_version: "1.2.3-rc1" };
    const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      scene.server.send(method, path, { body, headers });

    test("are taken with and without a slash at the end", async () => {
      const [commit] = scene.commits;
      for (const slash of ["", "/"]) {
        const cut = { repo: "acme/web", commit };
        expect((await send("POST", `/api/releases/web/releases/1.2.4-rc1${slash}`, cut)).status).toBe(201);
        expect((await send("POST", `${PROD}/deployments${slash}`, version)).status).toBe(201);
        const report = { ...version, status: "success" };
        expect((await send("PATCH", `${PROD}/deployments${slash}`, report)).status).toBe(200);
        const list = await send("GET", `${PROD}/deployments${slash}?per_page=1`);
        expect(list.json).toHaveLength(1);
        expect(list.headers.get("link")).toContain(
          `<${PROD}/deployments${slash}?page=1&per_page=1>; rel="first"`,
        );
        const back = await send("POST", `${PROD}/rollback${slash}`, {});
        expect(back).toMatchObject({ json: { error: "No previous deployment to roll back from" } });
        const callback = await send("POST", `/api/v1/sync-deploy-github-action${slash}`, {
          deployment_id: "0",
          workflow_run_id: "1",
        });
        expect(callback).toMatchObject({ status: 404, json: { error: "Deployment not found" } });
      }
    });

    test("name a project by its name, percent-encoded", async () => {
      const path = `/api/releases/${encodeURIComponent("My App 100%+ä")}`;
      const [commit] = scene.commits;
      const cut = await send("POST", `${path}/releases/3.0.0-rc1`, { repo: "acme/web", commit });
      expect(cut.status).toBe(201);
      // Our own paths have its key.
      expect(cut.headers.get("location")).toBe("/v1/projects/app/candidates/3.0.0-rc1");
      const made = await send("POST", `${path}/environments/prod/deployments`, {
        release_candidate_version: "3.0.0-rc1",
      });
      expect(made.status).toBe(201);
      const list = await send("GET", `${path}/environments/prod/deployments`);
      expect(list.json).toHaveLength(1);
      expect(list.headers.get("link")).toContain(`<${path}/environments/prod/deployments?page=1`);
      expect(await send("GET", "/api/releases/app/environments/prod/deployments")).toMatchObject(NO_PROJECT);
      expect(
        await send("GET", "/api/releases/My+App+100%25+%C3%A4/environments/prod/deployments"),
      ).toMatchObject(NO_PROJECT);
    });

    test("tell letters apart by their case, and names by each of their letters", async () => {
      for (const project of ["Web", "WEB", "web%20", "%20web", "web%2F", "we%62x", "nope"])
        expect(await send("GET", `/api/releases/${project}/environments/prod/deployments`)).toMatchObject(
          NO_PROJECT,
        );
      for (const environment of ["Prod", "PROD", "prod%20", "pr%2Fod", "%252e"])
        expect(await send("GET", `/api/releases/web/environments/${environment}/deployments`)).toMatchObject(
          NO_ENVIRONMENT,
        );
      expect((await send("GET", "/api/releases/w%65b/environments/prod/deployments")).status).toBe(200);
    });

    test("that no address can be read from are answered in Aviator's form", async () => {
      for (const path of [
        "/api/releases/%zz/environments/prod/deployments",
        "/api/releases/web/releases/%E0%A4%A-rc1",
        "/api/v1/%",
      ]) {
        const answer = await send("GET", path);
        expect(answer.status).toBe(400);
        expect(answer.json).toEqual({ error: expect.any(String) });
      }
    });

    test("to unknown paths are 404 in Aviator's form, the Buildkite webhook's too", async () => {
      for (const [method, path] of [
        ["GET", "/api/releases"],
        ["PUT", `${PROD}/deployments`],
        ["DELETE", `${PROD}/deployments`],
        ["GET", "/api/releases/web/releases/1.2.3-rc1"],
        ["POST", "/api/releases//environments/prod/deployments/x"],
        ["POST", "/api/v1/sync-something"],
      ] as const) {
        const answer = await send(method, path);
        expect([answer.status, typeof valueAt(answer.json, "error")]).toEqual([404, "string"]);
      }
      expect((await send("POST", "/api/buildkite/webhook", {})).status).toBe(404);
    });

    test("with a body that is no JSON are refused, whatever it calls itself", async () => {
      for (const text of ["{", "{'a':1}", '{"a":1}}', "release_candidate_version=1.2.3-rc1", "\u0000", "NaN"])
        for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"])
          expect(await send("POST", `${PROD}/deployments`, text, { "content-type": type })).toMatchObject(
            NO_JSON,
          );
    });

    test("with JSON are taken under any type", async () => {
      for (const type of ["text/plain", "application/octet-stream", "application/json; charset=utf-8", "x/y"])
        expect(
          (await send("POST", `${PROD}/deployments`, JSON.stringify(version), { "content-type": type }))
            .status,
        ).toBe(201);
    });

    test("with a type that is none are 415", async () => {
      const answer = await send("POST", `${PROD}/deployments`, JSON.stringify(version), {
        "content-type": "nonsense",
      });
      expect([answer.status, answer.json]).toEqual([415, { error: expect.any(String) }]);
    });

    test("with a body of another kind are refused", async () => {
      for (const body of ["[]", '"text"', "7", "true", "[{}]"]) {
        const answer = await send("POST", `${PROD}/deployments`, body);
        expect([answer.status, typeof valueAt(answer.json, "error")]).toEqual([400, "string"]);
      }
      for (const body of ["", "null", "{}"])
        expect(await send("POST", `${PROD}/deployments`, body)).toMatchObject({
          status: 400,
          json: { error: "Invalid release candidate version" },
        });
      const odd = { ...version, unheard: { of: [1] }, ["__proto__"]: { force: true } };
      expect((await send("POST", `${PROD}/deployments`, odd)).status).toBe(201);
    });

    test("that are huge or nested deeply are refused", async () => {
      const huge = JSON.stringify({ ...version, padding: "x".repeat(1024 * 1024) });
      expect((await send("POST", `${PROD}/deployments`, huge)).status).toBe(413);
      const deep = `{"release_candidate_version":"1.2.3-rc1","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
      expect(await send("POST", `${PROD}/deployments`, deep)).toMatchObject({
        status: 400,
        json: { error: expect.stringContaining("nested too deeply") },
      });
      const long = await send("POST", `${PROD}/deployments`, {
        release_candidate_version: "1".repeat(500_000),
      });
      expect(long).toMatchObject({ status: 400, json: { error: "Invalid release candidate version" } });
    });

    test("with texts that cannot be stored are refused, and name the field", async () => {
      for (const text of ["a\u0000b", "a\ud800b"]) {
        const bad = await send("POST", `${PROD}/deployments`, { release_candidate_version: text });
        expect(bad).toMatchObject({ status: 400, json: { error: "Invalid release candidate version" } });
        const report = { ...version, status: "error", error_message: text };
        expect(await send("PATCH", `${PROD}/deployments`, report)).toMatchObject({
          status: 400,
          json: { error: expect.stringMatching(/^error_message: /) },
        });
        expect((await send("POST", `${PROD}/rollback`, { force: true, reason: text })).status).toBe(400);
      }
      expect((await send("GET", "/api/releases/we%00b/environments/prod/deployments")).status).toBe(400);
      expect((await send("GET", `${PROD}/deployments?page=%00`)).status).toBe(400);
    });

    test("with an Idempotency-Key that is none are refused", async () => {
      for (const key of ["with blank", "k".repeat(256)]) {
        const answer = await send("POST", `${PROD}/deployments`, version, { "idempotency-key": key });
        expect(answer).toMatchObject({
          status: 400,
          json: { error: expect.stringContaining("Idempotency-Key") },
        });
      }
    });
  });
});
