import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { githubDeploys, type GithubDeploys } from "../support/github-deploys.ts";

const MINUTE = 60_000;
/** A host that fails again and again is left alone for a while, in real seconds. */
const PATIENT = { timeout: 30_000 };
const DISPATCH = /dispatches/;

/** Acceptance facts 16, 35, 36, 37 and 40: one deployment leads to one run, whatever GitHub answers. */
eachEngine((engine) => {
  describe("a deployment by GitHub Actions", () => {
    let scene: GithubDeploys;
    beforeAll(async () => {
      scene = await githubDeploys(engine);
    });
    afterEach(() => {
      scene.github.faults.heal();
      Object.assign(scene.github, { dispatchAnswer: "details", appearanceMillis: 0, hooks: {} });
    });
    afterAll(() => scene.stop());

    it("whose dispatch names its run follows that run, and lists none", async () => {
      const site = await scene.site();
      expect(await site.deploy()).toMatchObject({ status: 201, text: "" });
      const { id } = await site.newest();
      await site.untilTrue(() => site.runs().length === 1);
      const [run] = site.runs();
      if (!run) throw new Error("no run");
      expect(run.inputs).toMatchObject({
        aviator_deployment_id: String(id),
        aviator_release_candidate_version: "1.0.0-rc1",
        aviator_release_cut_commit_hash: scene.commits[0],
      });
      await site.untilTrue(async () => (await site.entry()).state === "started");
      expect(await site.newest()).toMatchObject({ status: "pending", deploy_end_at: null });
      scene.github.begin(run);
      await site.until("in_progress");
      scene.github.complete(run, "success");
      expect(await site.until("success")).toMatchObject({ id, error_message: null });
      expect(await site.entry()).toMatchObject({ state: "ended", providerRun: String(run.id) });
      expect(site.dispatches()).toBe(1);
      expect(scene.github.calls.filter(({ line }) => /workflows\/.*\/runs/.test(line))).toEqual([]);
    });

    it.for([["id"], ["number"], ["nothing"]] as const)(
      "whose dispatch names no run is found by what the run shows: %s",
      async ([shows]) => {
        scene.github.dispatchAnswer = "empty";
        const site = await scene.site({ shows });
        await site.deploy();
        await site.untilTrue(async () => (await site.entry()).state === "started");
        const [run] = site.runs();
        if (!run) throw new Error("no run");
        expect(await site.entry()).toMatchObject({ providerRun: String(run.id) });
        scene.github.complete(run, "success");
        await site.until("success");
        expect(site.dispatches()).toBe(1);
      },
    );

    it("is found among many by the id that its run shows, although all began at once", async () => {
      scene.github.dispatchAnswer = "empty";
      const site = await scene.site({ shows: "id" });
      const { workflow } = site;
      const foreign = (run: string) =>
        scene.github.addRun({
          repository: scene.repositoryOnGithub,
          workflow,
          branch: "main",
          sha: scene.commits[0] ?? "",
          inputs: { headgate_run: run },
        });
      foreign("0123456789abcdef01234567");
      await site.deploy();
      foreign("89abcdef0123456789abcdef");
      await site.untilTrue(async () => (await site.entry()).state === "started");
      const entry = await site.entry();
      expect(site.runs().find((run) => String(run.id) === entry.providerRun)?.inputs["headgate_run"]).toBe(
        entry.id,
      );
    });

    it("of which several runs could be the one is not guessed, is unknown, and comes back when its run says so", async () => {
      scene.github.dispatchAnswer = "empty";
      const site = await scene.site({ shows: "nothing" });
      scene.github.hooks.onDispatch = ({ workflow, branch, sha }) => {
        if (workflow !== site.workflow) return;
        scene.github.addRun({ repository: scene.repositoryOnGithub, workflow, branch, sha, inputs: {} });
      };
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "accepted");
      scene.step(MINUTE);
      const { id } = await site.until("unknown");
      expect(await site.entry()).toMatchObject({ state: "lost", providerRun: null });
      const [run] = site.runs();
      const callback = await scene.server.send("POST", "/api/v1/sync-deploy-github-action", {
        body: { deployment_id: String(id), workflow_run_id: String(run?.id) },
      });
      expect(callback.status).toBe(200);
      if (run) scene.github.complete(run, "success");
      expect(await site.until("success")).toMatchObject({ id, error_message: null });
      expect(site.dispatches()).toBe(1);
    });

    it("on an older server is asked for once more without the field, and leads to one run", async () => {
      scene.github.dispatchAnswer = "refuse_field";
      const site = await scene.site();
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "started");
      expect(site.runs()).toHaveLength(1);
      const [run] = site.runs();
      if (run) scene.github.complete(run, "success");
      await site.until("success");
      // That it is an older one is remembered; no later test shall meet it.
      expect(site.dispatches()).toBe(2);
    });

    it.for([
      ["an input is not declared", 422, /Unexpected inputs provided: \["surprise"\]/],
      ["the workflow is not there", 404, /Not Found/],
      ["the workflow is switched off", 422, /disabled workflow/],
    ] as const)(
      "is refused in GitHub's own words when %s, and is not sent again",
      async ([what, , words]) => {
        const site = await scene.site();
        const change = {
          "an input is not declared": {
            parameters: [{ name: "surprise", source: "custom" as const, value: "x" }],
          },
          "the workflow is not there": { target: `none-${site.name}.yml` },
          "the workflow is switched off": {},
        }[what];
        if (what === "the workflow is switched off") site.workflow.state = "disabled_manually";
        await scene.changeWorkflow("web", site.name, change);
        await site.deploy();
        const { error_message } = await site.until("error");
        expect(error_message).toMatch(words);
        scene.step(2 * MINUTE);
        await scene.look();
        expect(site.runs()).toEqual([]);
      },
    );
  });

  describe("a start on GitHub that is disturbed", () => {
    let scene: GithubDeploys;
    beforeAll(async () => {
      scene = await githubDeploys(engine);
    });
    afterEach(() => {
      scene.github.faults.heal();
      Object.assign(scene.github, { dispatchAnswer: "details", appearanceMillis: 0, hooks: {} });
    });
    afterAll(() => scene.stop());

    it.for([
      ["answered 502 after the run was made", { kind: "instead", status: 502, body: "<html>Bad</html>" }],
      ["answered with half an answer", { kind: "cut" }],
    ] as const)("because it was %s leads to exactly one run, which is found", async ([, fault]) => {
      const site = await scene.site({ shows: "nothing" });
      scene.github.appearanceMillis = 10_000;
      scene.github.faults.disturb(DISPATCH, fault, 1);
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "unclear");
      await scene.look();
      expect(site.dispatches()).toBe(1);
      scene.step(10_000);
      await site.untilTrue(async () => (await site.entry()).state === "started");
      const [run] = site.runs();
      if (run) scene.github.complete(run, "success");
      await site.until("success");
      expect(site.runs()).toHaveLength(1);
      expect(site.dispatches()).toBe(1);
    });

    it("because its answer is withheld until the connection breaks leads to exactly one run, which is found", async () => {
      const site = await scene.site({ shows: "id" });
      scene.github.faults.disturb(DISPATCH, { kind: "withhold" }, 1);
      await site.deploy();
      await expect.poll(() => site.runs().length).toBe(1);
      await scene.github.down();
      await scene.github.up();
      await site.untilTrue(async () => (await site.entry()).state === "started");
      expect(site.dispatches()).toBe(1);
    });

    it("because its connection was dropped is sent again where runs show our id and none does", async () => {
      const site = await scene.site({ shows: "id" });
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "started");
      const [first] = site.runs();
      if (first) scene.github.complete(first, "success");
      await site.until("success");
      scene.github.faults.disturb(DISPATCH, { kind: "drop" }, 1);
      await site.deploy("1.0.0-rc2");
      await site.untilTrue(async () => (await site.entry()).state === "unclear");
      scene.step(59_000);
      await scene.look();
      expect(site.dispatches()).toBe(2);
      scene.step(2_000);
      await site.untilTrue(async () => (await site.entry()).state === "started");
      expect(site.dispatches()).toBe(3);
      expect(site.runs()).toHaveLength(2);
    });

    it("because its connection was dropped is never sent again where runs show nothing", async () => {
      const site = await scene.site({ shows: "nothing", timeLimitMinutes: 10 });
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "started");
      const [first] = site.runs();
      if (first) scene.github.complete(first, "success");
      await site.until("success");
      scene.github.faults.disturb(DISPATCH, { kind: "drop" }, 1);
      await site.deploy("1.0.0-rc2");
      await site.untilTrue(async () => (await site.entry()).state === "unclear");
      scene.step(MINUTE);
      await site.until("unknown");
      scene.step(10 * MINUTE);
      expect(await site.until("error")).toMatchObject({
        error_message: "the workflow run was never found; start it again",
      });
      expect(site.dispatches()).toBe(2);
      expect(site.runs()).toHaveLength(1);
    });

    it("because GitHub is down for ten minutes loses nothing and is sent once", async () => {
      const site = await scene.site();
      await scene.github.down();
      await site.deploy();
      // In few steps: after five failures in a row the host would rest, by a clock that no test can step.
      for (let third = 0; third < 3; third += 1) {
        scene.step((10 * MINUTE) / 3);
        await scene.look();
        await expect.poll(async () => (await site.entry()).message, PATIENT).toContain("connection refused");
      }
      expect(await site.newest()).toMatchObject({ status: "pending", error_message: null });
      await scene.github.up();
      await site.untilTrue(async () => (await site.entry()).state === "started");
      expect(site.dispatches()).toBe(1);
      const [run] = site.runs();
      if (run) scene.github.complete(run, "success");
      await site.until("success");
    });

    it("because GitHub is away longer than the time limit ends as an error that says so", async () => {
      const site = await scene.site({ timeLimitMinutes: 5 });
      await scene.github.down();
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).message !== "");
      scene.step(6 * MINUTE);
      const { error_message } = await site.until("error");
      expect(error_message).toMatch(/could not be started in time: .*connection refused/);
      await scene.github.up();
      expect(site.dispatches()).toBe(0);
    });
  });

  describe("a start on GitHub that meets a rate limit", () => {
    const limited = async (status: 403 | 429, retryAfterSeconds: number) => {
      const scene = await githubDeploys(engine);
      const site = await scene.site();
      Object.assign(scene.github.limits.secondary, { left: 1, status, retryAfterSeconds });
      await site.deploy();
      await expect.poll(() => site.dispatches()).toBe(1);
      return { scene, site };
    };

    it.for([[429], [403]] as const)("of HTTP %s is sent once more when it may be", async ([status]) => {
      const { scene, site } = await limited(status, 2);
      await expect.poll(() => site.runs().length, PATIENT).toBe(1);
      expect(site.dispatches()).toBe(2);
      const { intendedAt } = await site.entry();
      const [run] = site.runs();
      expect((run?.createdAt.getTime() ?? 0) - intendedAt.getTime()).toBeGreaterThanOrEqual(2_000);
      await scene.stop();
    });

    it("that is long sleeps until it is over, and says so", async () => {
      const { scene, site } = await limited(429, 90);
      await expect.poll(async () => (await site.entry()).state, PATIENT).toBe("intended");
      const { taskId, message } = await site.entry();
      expect(message).toContain("secondary rate limit");
      const { db } = scene.server.ctx;
      const dueAt = async (): Promise<number> => {
        const query = db.selectFrom("tasks").select("run_at").where("id", "=", taskId);
        return (await query.executeTakeFirstOrThrow()).run_at;
      };
      await expect.poll(async () => (await dueAt()) - Date.now(), PATIENT).toBeGreaterThan(60_000);
      expect(site.runs()).toEqual([]);
      await scene.stop();
    });
  });
});
