import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeEnvironment } from "../../src/environments/change-environment.ts";
import { createFreeze } from "../../src/environments/create-freeze.ts";
import { FreezeDraft } from "../../src/environments/freeze-draft.ts";
import { markBad } from "../../src/releases/mark-bad.ts";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene, type WireDeployment } from "../support/deploy-scene.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ENDS = ["success", "failure", "error", "canceled"] as const;
const NO_TARGET = { status: 404, json: { error: "No previous deployment to roll back from" } };
const FROZEN = { status: 400, json: { error: "Environment is frozen" } };

eachEngine((engine) => {
  describe("deployments and rollbacks", () => {
    let scene: DeployScene;
    let folder: { readonly path: string; readonly remove: () => Promise<void> };
    beforeAll(async () => {
      folder = await temporaryDirectory();
      const deploy = `echo "$AVIATOR_DEPLOYMENT_ID $AVIATOR_RELEASE_CANDIDATE_VERSION" >> '${folder.path}'/"$HEADGATE_ENVIRONMENT"`;
      // One that runs until it is called off.
      const stay = `${deploy}; case "$HEADGATE_IS_ROLLBACK" in true) ;; *) exec sleep 600;; esac`;
      scene = await deployScene(engine, { programs: { deploy, stay } });
      for (const name of ["deploy", "stay"])
        await scene.addWorkflow("web", { name, provider: "command", target: name });
      for (const [index, commit] of [...scene.commits, ...scene.commits].entries())
        await scene.cut(`1.2.3-rc${index + 1}`, commit);
    });
    afterAll(async () => {
      await scene.stop();
      await folder.remove();
    });

    const v = (number: number): string => `1.2.3-rc${number}`;
    const starts = async (environment: string): Promise<string[]> =>
      (await readFile(join(folder.path, environment), "utf8").catch(() => "")).split("\n").filter(Boolean);
    const listed = async (environment: string): Promise<readonly WireDeployment[]> =>
      (await scene.list(environment)).json as WireDeployment[];
    const freeze = (environment: string, bypass: "admin" | null = "admin") => {
      const place = { project: "web", environment };
      const draft = FreezeDraft.parse({ name: `frozen-${environment}`, place, reason: "the audit", bypass });
      return createFreeze(scene.server.ctx, draft);
    };

    /** An environment without a workflow whose past is this, oldest first: `success 1` is candidate 1's. */
    async function withPast(name: string, past: readonly string[]): Promise<void> {
      await scene.addEnvironment("web", { name });
      for (const line of past) {
        const [status = "", number] = line.split(" ");
        const version = v(Number(number));
        if (status === "waits") await scene.deploy(name, version);
        else if (status === "stopped") {
          await scene.report(name, version, "in_progress");
          await scene.report(name, version, "canceled");
        } else await scene.report(name, version, status);
      }
    }

    test("a deployment is answered 201 without a body, with its number, and starts its workflow once", async () => {
      await scene.addEnvironment("web", { name: "prod", workflow: "deploy" });
      const answer = await scene.deploy("prod", v(1));
      const id = answer.headers.get("x-deployment-id") ?? "";
      expect([answer.status, answer.text, answer.headers.get("content-length")]).toEqual([201, "", "0"]);
      expect(answer.headers.get("location")).toBe(`/v1/deployments/${id}`);
      expect(await scene.until("prod", ...ENDS)).toMatchObject({
        id: Number(id),
        actor: null,
        status: "success",
        environment_name: "prod",
        error_message: null,
        release_version: "1.2.3",
        release_candidate_version: v(1),
        from_release_version: null,
        from_release_candidate_version: null,
      });
      expect(await starts("prod")).toEqual([`${id} ${v(1)}`]);
      await scene.deploy("prod", v(2));
      expect(await scene.until("prod", ...ENDS)).toMatchObject({
        from_release_version: "1.2.3",
        from_release_candidate_version: v(1),
      });
      // The same once more is a redeployment.
      await scene.deploy("prod", v(2));
      await scene.until("prod", ...ENDS);
      expect((await listed("prod")).map((one) => one.release_candidate_version)).toEqual([v(2), v(2), v(1)]);
    });

    test("a deployment is shown to whoever prefers to see it", async () => {
      await scene.addEnvironment("web", { name: "shown" });
      const answer = await scene.server.send("POST", "/api/releases/web/environments/shown/deployments", {
        body: { release_candidate_version: v(1) },
        headers: { prefer: "respond-async, return=representation; foo=bar" },
      });
      expect(answer.headers.get("preference-applied")).toBe("return=representation");
      expect([answer.json]).toEqual(await listed("shown"));
      expect(Object.keys(answer.json as object)).toHaveLength(11);
    });

    test("without a workflow a deployment waits for reports", async () => {
      await scene.addEnvironment("web", { name: "byhand" });
      await scene.deploy("byhand", v(1));
      expect(await listed("byhand")).toMatchObject([{ status: "pending", deploy_end_at: null }]);
      await scene.report("byhand", v(1), "success");
      expect(await listed("byhand")).toMatchObject([
        {
          status: "success",
          deploy_end_at: expect.stringMatching(/Z$/),
          deploy_start_at: expect.stringMatching(/Z$/),
        },
      ]);
    });

    test("the same Idempotency-Key makes one deployment and one rollback", async () => {
      await withPast("once", ["success 1", "success 2"]);
      for (const [rest, body] of [
        ["deployments", { release_candidate_version: v(3) }],
        ["rollback", {}],
      ] as const) {
        const send = () =>
          scene.server.send("POST", `/api/releases/web/environments/once/${rest}`, {
            body,
            headers: { "idempotency-key": "press" },
          });
        const [first, second] = [await send(), await send()];
        expect(second.headers.get("x-deployment-id")).toBe(first.headers.get("x-deployment-id"));
        expect(second.headers.get("idempotency-replayed")).toBe("true");
        expect([second.status, second.text]).toEqual([201, first.text]);
      }
      expect(await listed("once")).toHaveLength(4);
      const other = await scene.server.send("POST", "/api/releases/web/environments/once/deployments", {
        body: { release_candidate_version: v(2) },
        headers: { "idempotency-key": "press" },
      });
      expect(other.status).toBe(422);
    });

    test("pages are newest first, and say where the others are", async () => {
      await withPast(
        "paged",
        Array.from({ length: 6 }, (_, index) => `success ${index + 1}`),
      );
      for (let more = 0; more < 6; more += 1) await scene.deploy("paged", v(1));
      const path = "/api/releases/web/environments/paged/deployments";
      const ids = (json: unknown): number[] => (json as WireDeployment[]).map(({ id }) => id);
      const all = ids((await scene.list("paged", "?per_page=100")).json);
      expect(all).toHaveLength(12);
      expect(all).toEqual(all.toSorted((one, other) => other - one));
      const first = await scene.list("paged");
      expect(ids(first.json)).toEqual(all.slice(0, 10));
      expect(first.headers.get("x-total-count")).toBe("12");
      expect(first.headers.get("link")).toBe(
        `<${path}?page=1&per_page=10>; rel="first", <${path}?page=2&per_page=10>; rel="next", <${path}?page=2&per_page=10>; rel="last"`,
      );
      const middle = await scene.list("paged", "?page=2&per_page=5");
      expect(ids(middle.json)).toEqual(all.slice(5, 10));
      for (const rel of ["first", "prev", "next", "last"])
        expect(middle.headers.get("link")).toContain(`rel="${rel}"`);
      const behind = await scene.list("paged", "?page=9999");
      expect([behind.status, behind.text]).toEqual([200, "[]"]);
      expect(behind.headers.get("link")).toContain(`<${path}?page=2&per_page=10>; rel="prev"`);
      expect((await scene.list("paged", `?page=${"9".repeat(30)}`)).text).toBe("[]");
      for (const odd of [
        "per_page=abc",
        "per_page=0",
        "per_page=-1",
        "per_page=",
        "per_page=1.5",
        "page=0",
        "page=-1",
        "page=x",
        "page=1&page=2",
      ])
        expect(ids((await scene.list("paged", `?${odd}`)).json)).toEqual(all.slice(0, 10));
      for (const many of ["1000", "101", "9".repeat(20)])
        expect((await scene.list("paged", `?per_page=${many}`)).headers.get("link")).toContain(
          "per_page=100",
        );
      await scene.addEnvironment("web", { name: "unused" });
      const none = await scene.list("unused");
      expect([none.text, none.headers.get("x-total-count")]).toEqual(["[]", "0"]);
      expect(none.headers.get("link")).not.toMatch(/next|prev/);
    });

    test("an environment keeps its past under a new name, and the old one is unknown", async () => {
      await withPast("before", ["success 1"]);
      const change = { name: "after" };
      await changeEnvironment(scene.server.ctx, { projectKey: "web", name: "before", change });
      expect(await scene.list("before")).toMatchObject({
        status: 404,
        json: { error: "Release environment not found" },
      });
      expect(await listed("after")).toMatchObject([
        { environment_name: "after", release_candidate_version: v(1) },
      ]);
    });

    test.each([
      ["two-good", ["success 1", "success 2"], 1, 2],
      ["then-bad", ["success 1", "success 2", "failure 3"], 2, 3],
      ["then-error", ["success 1", "success 2", "error 3"], 2, 3],
      ["two-bad", ["success 1", "failure 2", "failure 3"], 1, 3],
      ["same-twice", ["success 1", "success 2", "success 2"], 1, 2],
      ["running", ["success 1", "success 2", "in_progress 3"], 2, 3],
      ["stopped", ["success 1", "success 2", "stopped 3"], 2, 3],
      ["never-began", ["success 1", "success 2", "canceled 3"], 1, 2],
      ["waiting", ["success 1", "success 2", "waits 3"], 1, 2],
    ])("%s: %j goes back to candidate %i and leaves %i", async (name, past, target, left) => {
      await withPast(name, past);
      const answer = await scene.rollBack(name);
      expect(answer).toMatchObject({
        status: 201,
        json: {
          status: "pending",
          deploy_end_at: null,
          error_message: null,
          environment_name: name,
          release_candidate_version: v(target),
          from_release_candidate_version: v(left),
        },
      });
      const [newest, ...older] = await listed(name);
      expect(answer.json).toEqual(newest);
      expect(answer.headers.get("x-deployment-id")).toBe(String(newest?.id));
      expect(answer.headers.get("location")).toBe(`/v1/deployments/${newest?.id}`);
      expect(older.every(({ deploy_end_at: ended }) => ended !== null)).toBe(true);
    });

    test("a rollback of a rollback goes forth again, unless told to pass over what was left", async () => {
      for (const [name, body, expected] of [
        ["forth", {}, { status: 201, json: { release_candidate_version: v(2) } }],
        ["past-it", { skip_rolled_back: true }, NO_TARGET],
      ] as const) {
        await withPast(name, ["success 1", "success 2"]);
        await scene.rollBack(name);
        await scene.report(name, v(1), "success");
        const answer = await scene.rollBack(name, body);
        expect(answer).toMatchObject(expected);
      }
    });

    test("what is marked bad is passed over, and a target may be named", async () => {
      await withPast("marked", ["success 1", "success 4", "success 5"]);
      await markBad(scene.server.ctx, { projectKey: "web", version: v(4), reason: "leaks" });
      expect((await scene.rollBack("marked", { release_candidate_version: v(6) })).status).toBe(404);
      const named = await scene.rollBack("marked", { release_candidate_version: v(4) });
      expect(named).toMatchObject({ status: 409, json: { error: "Release candidate is marked bad" } });
      expect(await scene.rollBack("marked")).toMatchObject({
        status: 201,
        json: { release_candidate_version: v(1), from_release_candidate_version: v(5) },
      });
    });

    test.each([
      ["nothing", []],
      ["one-good", ["success 1"]],
      ["only-bad", ["failure 1", "error 2"]],
      ["only-running", ["in_progress 1"]],
    ])("%s: %j leaves nothing to go back to, and touches nothing", async (name, past) => {
      await withPast(name, past);
      const before = await listed(name);
      expect(await scene.rollBack(name)).toMatchObject(NO_TARGET);
      expect(await listed(name)).toEqual(before);
    });

    test("a rollback calls off what runs before it starts", async () => {
      await withPast("busy", ["success 1", "success 2"]);
      await changeEnvironment(scene.server.ctx, {
        projectKey: "web",
        name: "busy",
        change: { workflow: "stay" },
      });
      await scene.deploy("busy", v(3));
      await scene.until("busy", "in_progress");
      const back = await scene.rollBack("busy");
      expect(back).toMatchObject({
        status: 201,
        json: { status: "pending", release_candidate_version: v(2) },
      });
      expect((await listed("busy"))[1]?.status).toMatch(/^cancell?ing$|^canceled$/);
      const again = await scene.rollBack("busy");
      expect(again.headers.get("x-deployment-id")).toBe(back.headers.get("x-deployment-id"));
      expect(await scene.until("busy", ...ENDS)).toMatchObject({
        status: "success",
        from_release_candidate_version: v(3),
      });
      expect((await listed("busy"))[1]).toMatchObject({
        status: "canceled",
        release_candidate_version: v(3),
      });
      expect((await starts("busy")).map((line) => line.split(" ")[1])).toEqual([v(3), v(2)]);
    });

    test("a rollback that is under way answers for another one, as it stands by now", async () => {
      await withPast("pressed", ["success 1", "success 2"]);
      const answers = await Promise.all(Array.from({ length: 5 }, () => scene.rollBack("pressed")));
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      await scene.report("pressed", v(1), "in_progress");
      expect(await scene.rollBack("pressed")).toMatchObject({ status: 201, json: { status: "in_progress" } });
      expect(await listed("pressed")).toHaveLength(3);
    });

    test("a freeze refuses deployments and rollbacks, not reports, and yields to force", async () => {
      await withPast("ice", ["success 1", "success 2"]);
      await freeze("ice");
      for (const body of [{}, { force: false }, { force: null }])
        expect(await scene.rollBack("ice", body)).toMatchObject(FROZEN);
      const refused = await scene.deploy("ice", v(3));
      expect(refused).toMatchObject({ status: 400 });
      expect(refused.text).toBe('{"error":"Environment is frozen"}');
      const told = await scene.server.send("POST", "/api/releases/web/environments/ice/deployments", {
        body: { release_candidate_version: v(3) },
        headers: { prefer: "return=representation" },
      });
      expect(told).toMatchObject({
        status: 400,
        json: { ...FROZEN.json, issues: [expect.stringContaining("the audit")] },
      });
      expect((await scene.report("ice", v(3), "success")).status).toBe(200);
      expect(await scene.rollBack("ice", { force: true })).toMatchObject({
        status: 201,
        json: { release_candidate_version: v(2) },
      });
      expect((await scene.deploy("ice", v(3), { force: true, reason: "the site is down" })).status).toBe(201);
      expect(await scene.rollBack("ice", { force: "yes" })).toMatchObject({
        status: 400,
        json: { error: expect.stringMatching(/^force: /) },
      });
    });

    test("the freeze is said before there is nothing to go back to", async () => {
      await withPast("ice-empty", []);
      await freeze("ice-empty");
      expect(await scene.rollBack("ice-empty")).toMatchObject(FROZEN);
      expect(await scene.rollBack("ice-empty", { force: true })).toMatchObject(NO_TARGET);
    });

    test("a freeze that nobody may bypass stands against force", async () => {
      await withPast("ice-hard", ["success 1", "success 2"]);
      await freeze("ice-hard", null);
      expect(await scene.rollBack("ice-hard", { force: true })).toMatchObject(FROZEN);
    });

    test("a rollback needs no body at all", async () => {
      await withPast("bare", ["success 1", "success 2"]);
      const path = "/api/releases/web/environments/bare/rollback";
      expect((await scene.server.send("POST", path)).status).toBe(201);
      expect((await scene.server.send("POST", path, { body: "" })).status).toBe(201);
      expect((await scene.server.send("POST", path, { body: "null" })).status).toBe(201);
    });
  });
});
