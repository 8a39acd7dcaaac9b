import { afterAll, beforeAll, expect, it } from "vitest";
import { changeProject } from "../../src/projects/change-project.ts";
import { findCandidate } from "../../src/releases/release-candidate-store.ts";
import { eachEngine } from "../support/databases.ts";
import { githubDeploys, type GithubDeploys, type Site } from "../support/github-deploys.ts";

const MINUTE = 60_000;

/** Acceptance facts 6, 12 and 15: builds of candidates by GitHub Actions. */
eachEngine((engine) => {
  let scene: GithubDeploys;
  let site: Site;
  beforeAll(async () => {
    scene = await githubDeploys(engine);
    site = await scene.site({ shows: "nothing" });
    await changeProject(scene.server.ctx, { key: "web", buildWorkflow: site.name });
  });
  afterAll(() => scene.stop());

  const cut = (version: string) => scene.cut(version, scene.commits[0], { trigger_build_workflow: true });
  const candidate = async (version: string) => {
    const { db } = scene.server.ctx;
    const { id } = await db
      .selectFrom("projects")
      .select("id")
      .where("key", "=", "web")
      .executeTakeFirstOrThrow();
    return await findCandidate(db, id, version);
  };
  const becomes = (version: string, status: string) =>
    site.untilTrue(async () => (await candidate(version))?.buildStatus === status);

  it("a cut that asks for a build starts one, also when it is asked twenty times at once", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => cut("2.0.0-rc1")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    await site.untilTrue(() => site.runs().length > 0);
    const [run] = site.runs();
    if (!run) throw new Error("no run");
    expect(run.inputs).toMatchObject({
      aviator_release_cut_id: String((await candidate("2.0.0-rc1"))?.cutId),
      aviator_release_cut_commit_hash: scene.commits[0],
      aviator_release_candidate_version: "2.0.0-rc1",
    });
    scene.github.begin(run);
    await becomes("2.0.0-rc1", "building");
    scene.github.complete(run, "success");
    await becomes("2.0.0-rc1", "ready");
    expect(site.dispatches()).toBe(1);
  });

  it("a callback says which run a build has", async () => {
    scene.github.dispatchAnswer = "empty";
    scene.github.appearanceMillis = 10 * MINUTE;
    const before = site.runs().length;
    await cut("2.0.0-rc2");
    await site.untilTrue(async () => (await site.entry()).state === "accepted");
    const run = site.runs()[before];
    if (!run) throw new Error("no run");
    const { cutId } = (await candidate("2.0.0-rc2")) ?? {};
    const body = { release_cut_id: String(cutId), workflow_run_id: String(run.id) };
    const answer = await scene.server.send("POST", "/api/v1/sync-build-github-action", { body });
    expect(answer).toMatchObject({ status: 200, json: {} });
    await site.untilTrue(async () => (await site.entry()).state === "started");
    Object.assign(scene.github, { dispatchAnswer: "details", appearanceMillis: 0 });
    scene.github.complete(run, "failure");
    await becomes("2.0.0-rc2", "failed");
  });

  it("a build that cannot be asked for is kept, and asked for once when GitHub is back", async () => {
    const before = site.dispatches();
    await scene.github.down();
    expect((await cut("2.0.0-rc3")).status).toBe(201);
    await site.untilTrue(async () => (await site.entry()).message.includes("connection refused"));
    scene.step(10 * MINUTE);
    expect(await candidate("2.0.0-rc3")).toMatchObject({ buildStatus: "pending" });
    await scene.github.up();
    await site.untilTrue(async () => (await site.entry()).state === "started");
    expect(site.dispatches()).toBe(before + 1);
  });
});
