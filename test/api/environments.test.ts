import { afterAll, beforeAll, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { describeWith } from "../support/real-parts.ts";
import { codeOf, deployPlace, type DeployPlace } from "./deploy-place.ts";

const ENVIRONMENTS = "/v1/projects/shop/environments";
const WORKFLOWS = "/v1/projects/shop/workflows";

describeWith(["git"], "environments and workflows at /v1", () => {
  eachEngine((engine) => {
    let place: DeployPlace;
    beforeAll(async () => {
      place = await deployPlace(engine);
    });
    afterAll(() => place.close());

    it("makes a workflow, shows it with the name of its connection, changes it, and lists it", async () => {
      await place.must(201, "root", "POST", "/v1/connections", {
        name: "hub",
        kind: "github",
        host: "github.com",
        projects: ["shop"],
      });
      const made = await place.must(201, "admin", "POST", WORKFLOWS, {
        name: "deploy",
        provider: "github",
        target: "deploy.yml",
        connection: "hub",
        repository: "acme/shop",
        parameters: [{ name: "commit", source: "commit" }],
      });
      expect(made).toMatchObject({ project: "shop", connection: "hub", ref: null, showsIds: false });
      expect(made).not.toHaveProperty("connectionId");
      const path = `${WORKFLOWS}/deploy`;
      expect(await place.must(200, "viewer", "GET", path)).toEqual(made);
      const changed = await place.must(200, "admin", "PATCH", path, { ref: "main", connection: null });
      expect(changed).toMatchObject({ ref: "main", connection: null, repository: "acme/shop" });
      expect(await place.must(200, "viewer", "GET", WORKFLOWS)).toEqual({ items: [changed] });
    });

    it("lets no project admin make a workflow that runs a program of the server's, nor change one", async () => {
      const draft = { name: "program", provider: "command", target: "deploy" };
      expect(codeOf(await place.send("admin", "POST", WORKFLOWS, draft))).toBe("FORBIDDEN");
      await place.must(201, "root", "POST", WORKFLOWS, draft);
      const changed = await place.send("admin", "PATCH", `${WORKFLOWS}/program`, { target: "other" });
      expect(changed.status).toBe(403);
    });

    it("makes an environment, shows names where records have ids, changes it, and lists all in order", async () => {
      await place.must(201, "root", "POST", WORKFLOWS, {
        name: "roll-out",
        provider: "command",
        target: "deploy",
      });
      const staging = await place.must(201, "admin", "POST", ENVIRONMENTS, {
        name: "staging",
        tier: "staging",
        workflow: "roll-out",
      });
      expect(staging).toMatchObject({
        project: "shop",
        name: "staging",
        workflow: "roll-out",
        promotionFrom: null,
        concurrency: "queue",
        current: null,
        deployments: 0,
      });
      expect(staging).not.toHaveProperty("workflowId");
      await place.must(201, "admin", "POST", ENVIRONMENTS, {
        name: "production",
        tier: "production",
        promotionFrom: "staging",
      });
      const path = `${ENVIRONMENTS}/production`;
      const changed = await place.must(200, "admin", "PATCH", path, { autoDeploy: true, name: "live" });
      expect(changed).toMatchObject({ name: "live", autoDeploy: true, promotionFrom: "staging" });
      expect((await place.send("viewer", "GET", path)).status).toBe(404);
      expect(await place.must(200, "viewer", "GET", `${ENVIRONMENTS}/live`)).toEqual(changed);
      const { items } = await place.must<{ items: { name: string }[] }>(200, "viewer", "GET", ENVIRONMENTS);
      expect(items.map(({ name }) => name)).toEqual(["staging", "live"]);
    });

    it("says what runs in an environment, from which deployment, and since when", async () => {
      await place.environment("reported");
      await place.cut("1.0.0-rc1");
      const path = `${ENVIRONMENTS}/reported`;
      const report = { version: "1.0.0-rc1", status: "success" };
      const { number } = await place.must(200, "releaser", "POST", `${path}/report`, report);
      expect(await place.must(200, "viewer", "GET", path)).toMatchObject({
        deployments: 1,
        current: {
          number,
          version: "1.0.0-rc1",
          releaseVersion: "1.0.0",
          since: expect.stringMatching(/^\d{4}-.*Z$/),
        },
      });
    });

    it("refuses a name that is taken, a workflow that is not there, a circle of promotions, and odd fields", async () => {
      await place.environment("one");
      await place.environment("two", { promotionFrom: "one" });
      const code = async (method: string, path: string, body: object) =>
        codeOf(await place.send("admin", method, path, body));
      expect(await code("POST", ENVIRONMENTS, { name: "one" })).toBe("ENVIRONMENT_EXISTS");
      expect(await code("POST", ENVIRONMENTS, { name: "x", workflow: "none" })).toBe("WORKFLOW_NOT_FOUND");
      expect(await code("PATCH", `${ENVIRONMENTS}/one`, { promotionFrom: "two" })).toBe("INPUT_INVALID");
      expect(await code("PATCH", `${ENVIRONMENTS}/one`, { name: "two" })).toBe("ENVIRONMENT_EXISTS");
      for (const body of [
        {},
        { name: "a b" },
        { name: "x", tier: "qa" },
        { name: "x", position: -1 },
        { name: "x", colour: "red" },
        { name: "x", timeLimitMinutes: 0 },
      ])
        expect(await code("POST", ENVIRONMENTS, body)).toBe("INPUT_INVALID");
    });

    it("lets admins alone make and change them, and keeps them unknown to those who may not see the project", async () => {
      await place.environment("guarded");
      for (const who of ["viewer", "releaser", "approver"]) {
        expect((await place.send(who, "POST", ENVIRONMENTS, { name: "mine" })).status).toBe(403);
        expect((await place.send(who, "PATCH", `${ENVIRONMENTS}/guarded`, { tier: "staging" })).status).toBe(
          403,
        );
        expect(
          (
            await place.send(who, "POST", WORKFLOWS, {
              name: "w",
              provider: "github",
              target: "x.yml",
              repository: "a/b",
            })
          ).status,
        ).toBe(403);
      }
      for (const path of [ENVIRONMENTS, `${ENVIRONMENTS}/guarded`, WORKFLOWS, `${WORKFLOWS}/any`])
        expect((await place.send("stranger", "GET", path)).status).toBe(404);
      // Another project's environment is none of this one's.
      expect((await place.send("root", "GET", "/v1/projects/other/environments/guarded")).status).toBe(404);
    });

    it("answers a repeated request with the same Idempotency-Key like the first one", async () => {
      const headers = { "idempotency-key": "an-environment" };
      const request = ["admin", "POST", ENVIRONMENTS, { name: "once" }, headers] as const;
      const first = await place.send(...request);
      const again = await place.send(...request);
      expect(first.status).toBe(201);
      expect(again).toMatchObject({ status: 201, body: first.body });
      expect(again.headers.get("idempotency-replayed")).toBe("true");
    });

    it("shows a project's repository, its connection and its build by name, and takes each off again", async () => {
      await place.must(201, "root", "POST", WORKFLOWS, {
        name: "build",
        provider: "command",
        target: "build",
      });
      const path = "/v1/projects/shop";
      const set = await place.must(200, "admin", "PATCH", path, { buildWorkflow: "build" });
      expect(set).toMatchObject({
        sourceConnection: "code",
        repository: "acme/shop",
        buildWorkflow: "build",
      });
      expect(set).not.toHaveProperty("buildWorkflowId");
      const off = await place.must(200, "admin", "PATCH", path, { buildWorkflow: null });
      expect(off).toMatchObject({ sourceConnection: "code", buildWorkflow: null });
      expect(codeOf(await place.send("admin", "PATCH", path, { source: "none" }))).toBe(
        "CONNECTION_NOT_FOUND",
      );
      expect(codeOf(await place.send("admin", "PATCH", path, { buildWorkflow: "none" }))).toBe(
        "WORKFLOW_NOT_FOUND",
      );
      expect(codeOf(await place.send("admin", "PATCH", path, { repository: "../etc" }))).toBe(
        "INPUT_INVALID",
      );
      expect((await place.send("releaser", "PATCH", path, { repository: "acme/shop" })).status).toBe(403);
    });
  });
});
