import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cancelDeployment } from "../../src/deployments/cancel-deployment.ts";
import { eachEngine } from "../support/databases.ts";
import { githubDeploys, type GithubDeploys, type Site, type SiteOptions } from "../support/github-deploys.ts";
import type { Run } from "../support/github/world.ts";

const MINUTE = 60_000;
/** A host that fails again and again is left alone for a while, in real seconds. */
const PATIENT = { timeout: 30_000 };

/** Acceptance facts 30 and 40: what is called off, what is lost, and who has the last word. */
eachEngine((engine) => {
  let scene: GithubDeploys;
  beforeAll(async () => {
    scene = await githubDeploys(engine);
  });
  afterEach(() => {
    scene.github.faults.heal();
    Object.assign(scene.github, { dispatchAnswer: "details", appearanceMillis: 0, hooks: {} });
  });
  afterAll(() => scene.stop());

  /** Deploys and begins the run. */
  const begin = async (site: Site, version?: string): Promise<{ run: Run; id: number }> => {
    const before = site.runs().length;
    await site.deploy(version);
    await site.untilTrue(async () => (await site.entry()).state === "started" && site.runs().length > before);
    const run = site.runs().at(-1);
    if (!run) throw new Error("no run");
    scene.github.begin(run);
    await site.until("in_progress");
    return { run, id: (await site.newest()).id };
  };
  const running = async (options: SiteOptions = {}) => {
    const site = await scene.site(options);
    return { site, ...(await begin(site)) };
  };
  const callOff = (id: number) => cancelDeployment(scene.server.ctx, id);
  const callsOf = (run: Run, what: string): number =>
    scene.github.calls.filter(({ line }) => line.endsWith(`/runs/${run.id}/${what}`)).length;

  describe("a deployment by GitHub that is called off", () => {
    it("is canceled when its run has ended, which is asked once", async () => {
      const { site, run, id } = await running();
      expect(await callOff(id)).toMatchObject({ status: "canceling" });
      await site.until("canceled");
      expect(callsOf(run, "cancel")).toBe(1);
      expect(callsOf(run, "force-cancel")).toBe(0);
    });

    it("ends as its run did when that was over before it could be cancelled", async () => {
      const { site, run, id } = await running();
      const over = Promise.withResolvers<void>();
      scene.github.faults.disturb(/\/cancel$/, { kind: "until", promise: over.promise }, 1);
      await callOff(id);
      await site.untilTrue(() => callsOf(run, "cancel") === 1);
      scene.github.complete(run, "success");
      over.resolve();
      expect(await site.until("success")).toMatchObject({ error_message: null });
    });

    it("whose run does not heed it is forced after a minute", async () => {
      const { site, run, id } = await running();
      run.stubborn = true;
      await callOff(id);
      await site.untilTrue(() => callsOf(run, "cancel") === 1);
      scene.step(59_000);
      await scene.look();
      expect(callsOf(run, "force-cancel")).toBe(0);
      scene.step(2_000);
      await site.until("canceled");
      expect([callsOf(run, "cancel"), callsOf(run, "force-cancel")]).toEqual([1, 1]);
    });

    it("whose run heeds no force either is taken as canceled after another minute, and says so", async () => {
      const { site, run, id } = await running();
      run.stubborn = true;
      scene.github.faults.disturb(/force-cancel/, { kind: "refuse", status: 202, body: "{}" });
      await callOff(id);
      await site.untilTrue(() => callsOf(run, "cancel") === 1);
      scene.step(MINUTE);
      await site.untilTrue(() => callsOf(run, "force-cancel") === 1);
      scene.step(59_000);
      await scene.look();
      expect((await site.newest()).status).toBe("canceling");
      scene.step(2_000);
      const { error_message } = await site.until("canceled");
      expect(error_message).toBe("called off; the provider did not confirm that it ended");
      expect(callsOf(run, "force-cancel")).toBe(1);
    });

    it("before it could be sent is never sent", async () => {
      const site = await scene.site();
      await scene.github.down();
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).message !== "");
      await callOff((await site.newest()).id);
      const { error_message } = await site.until("canceled");
      expect(error_message).toBe("called off before it was started");
      await scene.github.up();
      await scene.look();
      expect(site.dispatches()).toBe(0);
    });

    it("while its run is looked for has that run cancelled as soon as it is found", async () => {
      const site = await scene.site();
      Object.assign(scene.github, { dispatchAnswer: "empty", appearanceMillis: 30_000 });
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "accepted");
      await callOff((await site.newest()).id);
      await scene.look();
      expect((await site.newest()).status).toBe("canceling");
      scene.step(30_000);
      await site.until("canceled");
      expect(site.runs()).toMatchObject([{ conclusion: "cancelled" }]);
    });

    it("and whose run is not found within a minute is canceled, and says so", async () => {
      const site = await scene.site({ shows: "nothing" });
      scene.github.faults.disturb(/dispatches/, { kind: "drop" }, 1);
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "unclear");
      await callOff((await site.newest()).id);
      scene.step(MINUTE);
      const { error_message } = await site.until("canceled");
      expect(error_message).toBe("called off; its run was never found");
    });
  });

  describe("a rollback while a deployment by GitHub is under way", () => {
    const settle = async (site: Site, version: string): Promise<void> => {
      const { run } = await begin(site, version);
      scene.github.complete(run, "success");
      await site.until("success");
    };

    it("has that run cancelled before its own is dispatched", async () => {
      const site = await scene.site();
      await settle(site, "1.0.0-rc1");
      await settle(site, "1.0.0-rc2");
      const { run } = await begin(site, "1.0.0-rc3");
      const from = scene.github.calls.length;
      expect(await scene.rollBack(site.name)).toMatchObject({
        status: 201,
        json: { status: "pending", release_candidate_version: "1.0.0-rc2" },
      });
      await site.untilTrue(() => site.runs().length === 4);
      const lines = scene.github.calls.slice(from).map(({ line }) => line);
      const cancelled = lines.findIndex((line) => line.endsWith(`/runs/${run.id}/cancel`));
      const dispatched = lines.findIndex((line) => line.endsWith("/dispatches"));
      expect(cancelled).toBeGreaterThanOrEqual(0);
      expect(dispatched).toBeGreaterThan(cancelled);
      expect(run.conclusion).toBe("cancelled");
      expect(site.runs().at(-1)?.inputs["aviator_release_candidate_version"]).toBe("1.0.0-rc2");
    });

    it("waits two minutes at most for a GitHub that does not answer, and says of whom it knows nothing", async () => {
      const site = await scene.site();
      await settle(site, "1.0.0-rc1");
      const { id } = await begin(site, "1.0.0-rc2");
      await scene.github.down();
      await scene.rollBack(site.name);
      scene.step(MINUTE);
      await site.untilTrue(async () => {
        const runs = await scene.server.ctx.db
          .selectFrom("workflow_runs")
          .select("force_sent_at")
          .where("deployment_number", "=", id)
          .executeTakeFirst();
        return runs?.force_sent_at;
      });
      scene.step(MINUTE);
      await site.untilTrue(async () => (await site.entry()).deploymentNumber !== id);
      const [, left] = (await scene.list(site.name)).json as { status: string; error_message: string }[];
      expect(left).toMatchObject({
        status: "canceled",
        error_message: "called off; the provider did not confirm that it ended",
      });
      await scene.github.up();
      await expect.poll(() => site.runs().length, PATIENT).toBe(3);
    });
  });

  describe("a deployment by GitHub of which nothing is heard", () => {
    it("ends as an error that asks to start it again when the time limit is over", async () => {
      const { site } = await running({ timeLimitMinutes: 30 });
      await scene.github.down();
      scene.step(29 * MINUTE);
      await scene.look();
      expect((await site.newest()).status).toBe("in_progress");
      scene.step(2 * MINUTE);
      const { error_message } = await site.until("error");
      expect(error_message).toBe("no sign of life for 30 minutes; start it again");
      await scene.github.up();
    });

    it("is unknown while GitHub knows its run no more, and comes back with it", async () => {
      const { site, run, id } = await running();
      const at = scene.github.runs.indexOf(run);
      scene.github.runs.splice(at, 1);
      await site.until("unknown");
      scene.github.runs.splice(at, 0, run);
      await site.until("in_progress");
      scene.github.complete(run, "success");
      expect(await site.until("success")).toMatchObject({ id, error_message: null });
    });

    it("holds its environment while it is unknown", async () => {
      const { site, run } = await running();
      const at = scene.github.runs.indexOf(run);
      scene.github.runs.splice(at, 1);
      await site.until("unknown");
      await site.deploy("1.0.0-rc2");
      await scene.look();
      expect(site.dispatches()).toBe(1);
      scene.github.runs.splice(at, 0, run);
      scene.github.complete(run, "success");
      await site.untilTrue(() => site.dispatches() === 2);
    });

    it("has its time limit renewed by a report that it runs", async () => {
      const site = await scene.site({ shows: "nothing", timeLimitMinutes: 30 });
      scene.github.faults.disturb(/dispatches/, { kind: "drop" }, 1);
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "unclear");
      scene.step(MINUTE);
      await site.until("unknown");
      scene.step(25 * MINUTE);
      await scene.report(site.name, "1.0.0-rc1", "in_progress");
      scene.step(25 * MINUTE);
      const { looks } = await site.entry();
      await site.untilTrue(async () => (await site.entry()).looks > looks);
      expect((await site.newest()).status).toBe("in_progress");
      scene.step(10 * MINUTE);
      await site.until("error");
    });
  });

  describe("a report", () => {
    it.for([["success"], ["failure"], ["error"], ["canceled"]] as const)(
      "that a deployment has ended with %s wins over its run",
      async ([status]) => {
        const { site, run } = await running();
        expect((await scene.report(site.name, "1.0.0-rc1", status)).status).toBe(200);
        expect((await site.newest()).status).toBe(status);
        scene.github.complete(run, status === "success" ? "failure" : "success");
        await site.untilTrue(async () => (await site.entry()).state === "ended");
        expect((await site.newest()).status).toBe(status);
      },
    );

    it("that it runs is not taken back by a run that still waits", async () => {
      const site = await scene.site();
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "started");
      await scene.report(site.name, "1.0.0-rc1", "in_progress");
      const { looks } = await site.entry();
      await site.untilTrue(async () => (await site.entry()).looks > looks);
      expect((await site.newest()).status).toBe("in_progress");
    });
  });
});
