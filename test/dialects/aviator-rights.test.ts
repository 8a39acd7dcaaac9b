import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFreeze } from "../../src/environments/create-freeze.ts";
import { FreezeDraft } from "../../src/environments/freeze-draft.ts";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene } from "../support/deploy-scene.ts";
import { type Answer, valueAt } from "../support/server.ts";
import { makeCaller } from "../support/zadig-project.ts";

const VERSION = "1.2.3-rc1";
const NO_PROJECT = { status: 404, json: { error: "Release project not found" } };

eachEngine((engine) => {
  describe("who may do what", () => {
    let scene: DeployScene;
    const tokens: Record<string, string> = {};
    beforeAll(async () => {
      scene = await deployScene(engine);
      await scene.addProject("other");
      for (const project of ["web", "other"]) await scene.addEnvironment(project, { name: "prod" });
      await scene.addEnvironment("web", { name: "asked" });
      await scene.cut(VERSION);
      for (const role of ["viewer", "releaser", "admin"])
        tokens[role] = await makeCaller(scene.server, `web-${role}`, "web", role);
      tokens["stranger"] = await makeCaller(scene.server, "other-admin", "other", "admin");
      const scoped = async (name: string, user: string, scopes: readonly string[]): Promise<void> => {
        const answer = await scene.server.send("POST", "/v1/tokens", { body: { name, user, scopes } });
        tokens[name] = String(valueAt(answer.json, "text"));
      };
      await scoped("reporter", "web-releaser", ["deployments:report"]);
      await scoped("web-reporter", "web-releaser", ["web:deployments:report"]);
      await scoped("viewer-reporter", "web-viewer", ["deployments:report"]);
      await scoped("other-reporter", "other-admin", ["deployments:report"]);
      await scoped("elsewhere", "web-releaser", ["other:deployments:report"]);
    });
    afterAll(() => scene.stop());

    const path = (rest: string): string => `/api/releases/web/environments/prod/${rest}`;
    const calls: Readonly<Record<string, (token: string | null) => Promise<Answer>>> = {
      cut: (token) =>
        scene.server.send("POST", "/api/releases/web/releases/1.2.4-rc1", {
          body: { repo: "acme/web", commit: scene.commits[0] },
          token,
        }),
      deploy: (token) =>
        scene.server.send("POST", path("deployments"), {
          body: { release_candidate_version: VERSION },
          token,
        }),
      report: (token) =>
        scene.server.send("PATCH", path("deployments"), {
          body: { release_candidate_version: VERSION, status: "success" },
          token,
        }),
      list: (token) => scene.server.send("GET", path("deployments"), { token }),
      rollback: (token) => scene.server.send("POST", path("rollback"), { body: {}, token }),
    };
    const callback = (id: unknown, token: string | null): Promise<Answer> =>
      scene.server.send("POST", "/api/v1/sync-deploy-github-action", {
        body: { deployment_id: id, workflow_run_id: "991" },
        token,
      });
    const buildCallback = (id: unknown, token: string | null): Promise<Answer> =>
      scene.server.send("POST", "/api/v1/sync-build-github-action", {
        body: { release_cut_id: id, workflow_run_id: 991 },
        token,
      });

    test("without a token, or with one that is none, nothing is answered but 401", async () => {
      const answers = [
        ...Object.values(calls).flatMap((call) => [
          call(null),
          call("nonsense"),
          call(`hg_${"0".repeat(24)}_${"0".repeat(64)}`),
        ]),
        callback("1", null),
        buildCallback("1", "nonsense"),
        scene.server.send("GET", "/api/releases/nope", { token: null }),
        scene.server.send("GET", path("deployments"), {
          token: null,
          headers: { authorization: "Basic dTpw" },
        }),
        scene.server.send("GET", path("deployments"), { token: null, headers: { authorization: "Bearer " } }),
      ];
      for (const answer of await Promise.all(answers)) {
        expect([answer.status, answer.json]).toEqual([401, { error: "Unauthorized" }]);
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
    });

    test("a viewer sees, and is told that it may not do more", async () => {
      for (const name of ["cut", "deploy", "report", "rollback"]) {
        const answer = await calls[name]?.(tokens["viewer"] ?? "");
        expect([name, answer?.status, typeof valueAt(answer?.json, "error")]).toEqual([name, 403, "string"]);
      }
      expect((await calls["list"]?.(tokens["viewer"] ?? ""))?.status).toBe(200);
    });

    test("a viewer learns of an unknown version before its rights count", async () => {
      const body = { release_candidate_version: "9.9.9-rc1" };
      const answer = await scene.server.send("POST", path("deployments"), {
        body,
        token: tokens["viewer"] ?? "",
      });
      expect(answer).toMatchObject({ status: 404, json: { error: "Release not found" } });
    });

    test("a releaser may do everything but force", async () => {
      const token = tokens["releaser"] ?? "";
      for (const [name, status] of [
        ["cut", 201],
        ["deploy", 201],
        ["report", 200],
        ["list", 200],
        ["rollback", 404],
      ] as const)
        expect([name, (await calls[name]?.(token))?.status]).toEqual([name, status]);
      const { json } = await scene.server.send("GET", path("deployments"), { token });
      expect(json).toMatchObject([{ actor: "web-releaser" }]);
      const place = { project: "web", environment: "asked" };

      await createFreeze(scene.server.ctx, FreezeDraft.parse({ name: "ice", place, reason: "audit" }));
      const forced = (who: string): Promise<Answer> =>
        scene.server.send("POST", "/api/releases/web/environments/asked/deployments", {
          body: { release_candidate_version: VERSION, force: true },
          token: tokens[who] ?? "",
        });
      expect((await forced("releaser")).status).toBe(403);
      expect((await forced("admin")).status).toBe(201);
      const events = await scene.server.ctx.db.selectFrom("deployments").select("force_reason").execute();
      expect(events.map((row) => row.force_reason)).toContain("none given (Aviator API)");
    });

    test("whoever has no role in a project finds it nowhere", async () => {
      for (const who of ["stranger", "other-reporter"])
        for (const [name, call] of Object.entries(calls)) {
          const { status, json } = await call(tokens[who] ?? "");
          expect({ who, name, status, json }).toEqual({ who, name, ...NO_PROJECT });
        }
    });

    test("a token to report reports, and finds nothing else", async () => {
      for (const who of ["reporter", "web-reporter"]) {
        const token = tokens[who] ?? "";
        expect(await calls["report"]?.(token)).toMatchObject({ status: 200, text: "" });
        for (const name of ["cut", "deploy", "list", "rollback"])
          expect([who, name, (await calls[name]?.(token))?.json]).toEqual([who, name, NO_PROJECT.json]);
      }
      // Its user must be a releaser there, and its scope must name the project.
      for (const who of ["viewer-reporter", "elsewhere"])
        expect(await calls["report"]?.(tokens[who] ?? "")).toMatchObject(NO_PROJECT);
    });

    test("callbacks need a releaser's token or one to report, in the record's own project", async () => {
      const made = await scene.server.send("POST", path("deployments"), {
        body: { release_candidate_version: VERSION },
      });
      const id = made.headers.get("x-deployment-id") ?? "";
      const cut = await scene.server.send("POST", `/api/releases/web/releases/${VERSION}`, {
        body: { repo: "acme/web", commit: scene.commits[0] },
        headers: { prefer: "return=representation" },
      });
      const cutId = valueAt(cut.json, "id");
      for (const who of ["releaser", "admin", "reporter", "web-reporter"])
        for (const form of [String, Number]) {
          expect(await callback(form(id), tokens[who] ?? "")).toMatchObject({ status: 200, json: {} });
          expect(await buildCallback(form(cutId), tokens[who] ?? "")).toMatchObject({
            status: 200,
            json: {},
          });
        }
      for (const who of ["viewer", "stranger", "other-reporter", "viewer-reporter", "elsewhere"]) {
        expect(await callback(id, tokens[who] ?? "")).toMatchObject({
          status: 404,
          json: { error: "Deployment not found" },
        });
        expect(await buildCallback(cutId, tokens[who] ?? "")).toMatchObject({
          status: 404,
          json: { error: "Release not found" },
        });
      }
    });

    test("callbacks with ids of nothing are 404, and with what is no id 400", async () => {
      const token = tokens["reporter"] ?? "";
      for (const id of ["0", 0, -1, "999999999999999", Number.MAX_SAFE_INTEGER])
        expect(await callback(id, token)).toMatchObject({
          status: 404,
          json: { error: "Deployment not found" },
        });
      for (const id of ["", "x", "1.5", 1.5, "-1", null, undefined, {}, "9".repeat(16), 1e300]) {
        const answer = await callback(id, token);
        expect([id, answer.status, valueAt(answer.json, "error")]).toEqual([
          id,
          400,
          expect.stringMatching(/^deployment_id: /),
        ]);
      }
    });
  });
});
