import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import {
  githubDeploys,
  type GithubDeploys,
  type Site,
  type SiteOptions,
  WEBHOOK_SECRET,
} from "../support/github-deploys.ts";
import { signatureOf } from "../support/github/webhooks.ts";
import type { Job, Run } from "../support/github/world.ts";

const MINUTE = 60_000;
const WEBHOOKS = "/webhooks/our-github";

/** Acceptance facts 34, 38 and 39: what is heard of a run, and how it ends. */
eachEngine((engine) => {
  let scene: GithubDeploys;
  beforeAll(async () => {
    scene = await githubDeploys(engine);
  });
  afterEach(() => {
    scene.github.faults.heal();
    scene.github.webhooks.target = null;
    scene.github.webhooks.mode = "send";
    Object.assign(scene.github, { dispatchAnswer: "details", appearanceMillis: 0, hooks: {} });
  });
  afterAll(() => scene.stop());

  /** A site whose deployment has a run that is known. */
  const running = async (options: SiteOptions = {}): Promise<{ site: Site; run: Run; id: number }> => {
    const site = await scene.site(options);
    await site.deploy();
    await site.untilTrue(async () => (await site.entry()).state === "started");
    const [run] = site.runs();
    if (!run) throw new Error("no run");
    return { site, run, id: (await site.newest()).id };
  };
  const callBack = (id: number, run: number | string, token?: string | null) =>
    scene.server.send("POST", "/api/v1/sync-deploy-github-action", {
      body: { deployment_id: String(id), workflow_run_id: String(run) },
      ...(token !== undefined && { token }),
    });
  const historyOf = async (id: number): Promise<readonly string[]> => {
    const { db } = scene.server.ctx;
    const rows = await db
      .selectFrom("deployment_statuses")
      .select("status")
      .where("deployment_number", "=", id)
      .orderBy("position")
      .execute();
    return rows.map(({ status }) => status);
  };

  describe("the end of a run on GitHub", () => {
    const failed: readonly Job[] = [
      { name: "deploy", conclusion: "failure", steps: [{ name: "Push", conclusion: "failure" }] },
    ];
    it.for([
      ["success", "success", /^$/, undefined],
      ["neutral", "success", /^$/, undefined],
      ["failure", "failure", "failed: deploy (step Push)", failed],
      ["timed_out", "failure", "took longer than it may", []],
      ["cancelled", "canceled", "was cancelled on GitHub", undefined],
      ["cancelled", "canceled", /a newer run of its concurrency group took its place/, []],
      ["startup_failure", "error", /could not start it/, []],
      ["stale", "error", /gave it up/, []],
      ["skipped", "error", /was skipped/, []],
    ] as const)("%s ends its deployment as %s: %s", async ([conclusion, status, words, jobs]) => {
      const { site, run } = await running();
      scene.github.complete(run, conclusion, jobs);
      const { error_message } = await site.until("success", "failure", "canceled", "error");
      expect((await site.newest()).status).toBe(status);
      expect(error_message ?? "").toMatch(words);
    });

    it("action_required is none: it waits, says for what, and goes on", async () => {
      const { site, run } = await running();
      scene.github.complete(run, "action_required", []);
      await site.untilTrue(async () => (await site.entry()).message.includes("somebody to approve it"));
      expect(await site.newest()).toMatchObject({ status: "pending", deploy_end_at: null });
      scene.github.begin(run);
      await site.until("in_progress");
      scene.github.complete(run, "success");
      await site.until("success");
    });

    it("that came before any webhook, and whose webhooks are all lost, is found by asking", async () => {
      const { site, run } = await running();
      scene.github.begin(run);
      await site.until("in_progress");
      scene.github.complete(run, "success");
      expect(await site.until("success")).toMatchObject({ error_message: null });
    });

    it("is not undone by a second start of the same run on GitHub", async () => {
      const { site, run, id } = await running();
      scene.github.complete(run, "failure");
      await site.until("failure");
      scene.github.webhooks.target = { url: `${scene.server.url}${WEBHOOKS}`, secret: WEBHOOK_SECRET };
      scene.github.rerun(run);
      scene.github.complete(run, "success");
      await scene.github.webhooks.settled();
      expect(await site.newest()).toMatchObject({ id, status: "failure" });
      // The workflow can say so itself.
      expect((await scene.report(site.name, "1.0.0-rc1", "success")).status).toBe(200);
      expect(await site.newest()).toMatchObject({ id, status: "success" });
    });
  });

  describe("a webhook of GitHub", () => {
    const listen = (): void => {
      scene.github.webhooks.target = { url: `${scene.server.url}${WEBHOOKS}`, secret: WEBHOOK_SECRET };
    };
    const raw = (path: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
      scene.server.send("POST", path, {
        token: null,
        body,
        headers: { "x-github-event": "workflow_run", ...headers },
      });

    it("has its run looked at, and brings the end of a deployment", async () => {
      const { site, run } = await running();
      listen();
      scene.github.complete(run, "success");
      await scene.github.webhooks.settled();
      await expect.poll(async () => (await site.newest()).status, { timeout: 30_000 }).toBe("success");
    });

    it("names a run that is looked for, and has it found", async () => {
      scene.github.dispatchAnswer = "empty";
      listen();
      const site = await scene.site();
      await site.deploy();
      await expect.poll(async () => (await site.entry()).state, { timeout: 30_000 }).toBe("started");
    });

    it("that comes late, twice or in the wrong order changes nothing besides", async () => {
      const { site, run, id } = await running();
      listen();
      scene.github.webhooks.mode = "keep";
      const before = scene.github.webhooks.deliveries.length;
      scene.github.begin(run);
      scene.github.complete(run, "success");
      const [inProgress, completed] = scene.github.webhooks.deliveries.slice(before);
      if (!inProgress || !completed) throw new Error("no deliveries");
      expect(await scene.github.webhooks.send(completed)).toBe(202);
      await expect.poll(async () => (await site.newest()).status, { timeout: 30_000 }).toBe("success");
      const history = await historyOf(id);
      for (const late of [inProgress, completed, completed, inProgress])
        expect(await scene.github.webhooks.send(late)).toBe(202);
      await scene.look();
      expect(await historyOf(id)).toEqual(history);
      expect(history.filter((status) => status === "success")).toHaveLength(1);
    });

    it("whose signature is wrong is refused with 401", async () => {
      const { run } = await running();
      listen();
      scene.github.webhooks.mode = "keep";
      scene.github.complete(run, "success");
      const delivery = scene.github.webhooks.deliveries.at(-1);
      if (!delivery) throw new Error("no delivery");
      for (const signature of ["", "sha256=", `sha256=${"0".repeat(64)}`, `sha1=${"0".repeat(40)}`])
        expect(await scene.github.webhooks.send(delivery, signature)).toBe(401);
      expect((await raw(WEBHOOKS, delivery.body)).status).toBe(401);
    });

    it.for([
      ["/webhooks/nobody", "an unknown connection"],
      ["/webhooks/code", "a connection that is no GitHub"],
      ["/webhooks/0123456789abcdef01234567", "an unknown id"],
    ] as const)("to %s, %s, is refused with 401", async ([path]) => {
      const body = JSON.stringify({ zen: "Keep it logically awesome." });
      const signature = { "x-hub-signature-256": signatureOf(WEBHOOK_SECRET, body) };
      expect((await raw(path, body, signature)).status).toBe(401);
    });

    it("of more than 5 MiB is refused with 413", async () => {
      expect((await raw(WEBHOOKS, "x".repeat(5 * 1024 * 1024 + 1))).status).toBe(413);
    });

    it("of which there are too many is refused with 429 before its body is read, and a minute later it is not", async () => {
      const path = "/webhooks/flooded";
      for (let count = 0; count < 600; count += 50)
        await Promise.all(Array.from({ length: 50 }, () => raw(path, "{}")));
      const refused = await raw(path, "x".repeat(6 * 1024 * 1024));
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      scene.step(MINUTE);
      expect((await raw(path, "{}")).status).toBe(401);
    });
  });

  describe("a callback of a workflow", () => {
    it("that comes before the dispatch is answered binds the run, which is then read", async () => {
      const site = await scene.site({ shows: "nothing" });
      scene.github.dispatchAnswer = "empty";
      scene.github.hooks.onDispatch = async (run) => {
        // A second run keeps it from being the only one.
        if (run.workflow !== site.workflow || site.runs().length > 1) return;
        const { workflow, branch, sha } = run;
        scene.github.addRun({ repository: scene.repositoryOnGithub, workflow, branch, sha, inputs: {} });
        const { id } = await site.newest();
        expect((await callBack(id, run.id)).status).toBe(200);
      };
      await site.deploy();
      await site.untilTrue(async () => (await site.entry()).state === "started");
      const [run] = site.runs();
      expect(await site.entry()).toMatchObject({ providerRun: String(run?.id), provisional: false });
    });

    it("that comes twice is answered 200 both times, and changes nothing the second time", async () => {
      const { site, run, id } = await running();
      for (const _ of [1, 2]) expect(await callBack(id, run.id)).toMatchObject({ status: 200, json: {} });
      scene.github.complete(run, "success");
      await site.until("success");
      const history = await historyOf(id);
      expect((await callBack(id, run.id)).status).toBe(200);
      expect(await historyOf(id)).toEqual(history);
    });

    it("never replaces the run that GitHub's own answer named", async () => {
      const { site, run, id } = await running();
      const { workflow, branch, sha } = run;
      const other = scene.github.addRun({
        repository: scene.repositoryOnGithub,
        workflow,
        branch,
        sha,
        inputs: {},
      });
      expect((await callBack(id, other.id)).status).toBe(200);
      scene.github.complete(other, "failure");
      await scene.look();
      expect(await site.entry()).toMatchObject({ providerRun: String(run.id), state: "started" });
      scene.github.complete(run, "success");
      await site.until("success");
    });

    it.for([["another workflow's"], ["one that does not exist"], ["no number"]] as const)(
      "that names a wrong run, %s, is believed only until it was read",
      async ([what]) => {
        const elsewhere = await running();
        const site = await scene.site({ shows: "nothing" });
        scene.github.appearanceMillis = 10 * MINUTE;
        scene.github.dispatchAnswer = "empty";
        await site.deploy();
        await site.untilTrue(async () => (await site.entry()).state === "accepted");
        const { id } = await site.newest();
        const wrong = {
          "another workflow's": elsewhere.run.id,
          "one that does not exist": 999_999_999,
          "no number": "main",
        }[what];
        expect((await callBack(id, wrong)).status).toBe(what === "no number" ? 400 : 200);
        await site.untilTrue(async () => (await site.entry()).providerRun === null);
        scene.github.appearanceMillis = 0;
        await site.untilTrue(async () => (await site.entry()).state === "started");
        expect(await site.entry()).toMatchObject({ providerRun: String(site.runs()[0]?.id) });
        expect(await elsewhere.site.entry()).toMatchObject({ providerRun: String(elsewhere.run.id) });
      },
    );

    it("for a deployment that is not there, or of a project that its token may not see, is a 404", async () => {
      const { id } = await running();
      expect(await callBack(999_999, 1)).toMatchObject({
        status: 404,
        json: { error: "Deployment not found" },
      });
      expect((await callBack(id, 1, null)).status).toBe(401);
    });
  });
});
