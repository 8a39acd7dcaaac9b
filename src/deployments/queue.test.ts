import { beforeAll, describe, expect, it } from "vitest";
import { asRole, recordedEvents } from "../../test/support/context.ts";
import { eachEngine, onPostgres } from "../../test/support/databases.ts";
import { type DeploymentScene, deploymentScene } from "../../test/support/deployment-scene.ts";
import { inTransaction } from "../context.ts";
import { changeEnvironment } from "../environments/change-environment.ts";
import type { EnvironmentDraft } from "../environments/environment.ts";
import { markBad } from "../releases/mark-bad.ts";
import type { Database } from "../storage/database.ts";
import { applyRunToDeployment } from "./apply-run.ts";
import type { Deployment } from "./deployment.ts";
import { explainGates } from "./explain-gates.ts";

const VERSIONS = ["1.0-rc1", "1.0-rc2", "1.0-rc3", "1.0-rc4"] as const;

const brief = ({ version, status, started }: Deployment): string =>
  `${version} ${status}${started ? " started" : ""}`;

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    ({ db } = await engine.open());
  });

  /** A scene with the environment `prod` and four candidates. */
  const withProd = async (draft: Partial<EnvironmentDraft> = {}): Promise<DeploymentScene> => {
    const scene = await deploymentScene(db);
    await scene.addEnvironment("prod", draft);
    for (const version of VERSIONS) await scene.candidate(version);
    return scene;
  };
  const deployAll = async (scene: DeploymentScene, count: number): Promise<Deployment[]> => {
    const accepted: Deployment[] = [];
    for (const version of VERSIONS.slice(0, count)) accepted.push(await scene.deploy("prod", version));
    return accepted;
  };
  const briefs = async (scene: DeploymentScene): Promise<string[]> => (await scene.all("prod")).map(brief);
  const mark = (scene: DeploymentScene, version: string) =>
    markBad(scene.ctx, { projectKey: scene.project.key, version, reason: "it leaks" });

  it("starts the first at once, and the others one by one in the order of acceptance", async () => {
    const scene = await withProd();
    const accepted = await deployAll(scene, 3);
    expect(await briefs(scene)).toEqual(["1.0-rc1 pending started", "1.0-rc2 pending", "1.0-rc3 pending"]);
    for (const [index, outcome] of (["failure", "success", "error"] as const).entries()) {
      const deployment = accepted[index];
      if (!deployment) throw new Error("too few were accepted");
      expect((await scene.runsOf(deployment)).length).toBe(1);
      await scene.ends(deployment, outcome);
    }
    expect(await briefs(scene)).toEqual([
      "1.0-rc1 failure started",
      "1.0-rc2 success started",
      "1.0-rc3 error started",
    ]);
  });

  it("starts the next one when a report ends the one at work, and when that is called off", async () => {
    const scene = await withProd();
    const [first, second, third] = await deployAll(scene, 3);
    await scene.report("prod", "1.0-rc1", "success");
    expect((await briefs(scene))[1]).toBe("1.0-rc2 pending started");
    expect((await scene.cancel(second?.number ?? 0)).status).toBe("canceling");
    expect((await briefs(scene))[2]).toBe("1.0-rc3 pending");
    await scene.ends(second ?? first ?? raise(), "canceled");
    expect(await scene.find(third ?? raise())).toMatchObject({ started: true });
  });

  it("passes one over whose gate is closed, and does not keep the others behind it", async () => {
    const scene = await withProd();
    const [first, second, third] = await deployAll(scene, 3);
    await mark(scene, "1.0-rc2");
    await scene.ends(first ?? raise(), "success");
    expect(await scene.find(second ?? raise())).toMatchObject({
      started: false,
      status: "pending",
      waitsFor: "1.0-rc2 is marked bad: it leaks",
    });
    expect(await scene.find(third ?? raise())).toMatchObject({ started: true, waitsFor: "" });
    await scene.ends(third ?? raise(), "success");
    // Nothing is at work, so the one that is kept is no queue to stand in.
    const question = { project: { key: scene.project.key }, environment: "prod", version: "1.0-rc4" };
    expect(await explainGates(scene.ctx, question)).toMatchObject({ state: "open", behind: 0 });
    expect(await scene.deploy("prod", "1.0-rc4")).toMatchObject({ started: true });
  });

  it("holds the slot for a run that nobody finds, until it came back and ended", async () => {
    const scene = await withProd();
    const [first, second] = await deployAll(scene, 2);
    await inTransaction(scene.ctx, (tx) =>
      applyRunToDeployment(tx, first?.number ?? 0, "lost", "the provider knows its run no more"),
    );
    expect(await briefs(scene)).toEqual(["1.0-rc1 unknown started", "1.0-rc2 pending"]);
    await scene.runs(first ?? raise());
    expect((await briefs(scene))[0]).toBe("1.0-rc1 in_progress started");
    await scene.ends(first ?? raise(), "success");
    expect(await scene.find(second ?? raise())).toMatchObject({ started: true });
  });

  it("holds the slot for what was reported to run or to be unknown, and starts nothing that was reported", async () => {
    const scene = await withProd();
    expect(await scene.report("prod", "1.0-rc1", "pending")).toMatchObject({ status: "pending" });
    const other = await scene.deploy("prod", "1.0-rc2");
    expect(other.started).toBe(true);
    await scene.ends(other, "success");
    expect((await briefs(scene))[0]).toBe("1.0-rc1 pending");
    for (const status of ["unknown", "in_progress"] as const) {
      await scene.report("prod", "1.0-rc1", status);
      const waiting = await scene.deploy("prod", "1.0-rc3");
      expect(waiting.started).toBe(false);
      await scene.cancel(waiting.number);
    }
    await scene.report("prod", "1.0-rc1", "success");
    expect(await scene.runsOf((await scene.all("prod"))[0] ?? raise())).toEqual([]);
  });

  it("has only reported deployments where no workflow is", async () => {
    const scene = await withProd({ workflow: null });
    const [first] = await deployAll(scene, 2);
    expect(await briefs(scene)).toEqual(["1.0-rc1 pending", "1.0-rc2 pending"]);
    expect(await scene.runsOf(first ?? raise())).toEqual([]);
    await scene.report("prod", "1.0-rc2", "success");
    expect(await briefs(scene)).toEqual(["1.0-rc1 pending", "1.0-rc2 success"]);
  });

  describe("reject", () => {
    it("refuses while another one is under way, and accepts the next when that ended", async () => {
      const scene = await withProd({ concurrency: "reject" });
      const first = await scene.deploy("prod", "1.0-rc1");
      await expect(scene.deploy("prod", "1.0-rc2")).rejects.toMatchObject({
        code: "ENVIRONMENT_BUSY",
        message: `Deployment ${first.number} is under way`,
      });
      expect((await scene.all("prod")).length).toBe(1);
      const force = { reason: "must" };
      await expect(scene.deploy("prod", "1.0-rc2", { force })).rejects.toMatchObject({
        code: "ENVIRONMENT_BUSY",
      });
      await scene.ends(first, "success");
      expect(await scene.deploy("prod", "1.0-rc2")).toMatchObject({ started: true });
    });

    it("lets those start that were accepted before it was set", async () => {
      const scene = await withProd();
      const [first, second, third] = await deployAll(scene, 3);
      await mark(scene, "1.0-rc2");
      await changeEnvironment(scene.ctx, {
        projectKey: scene.project.key,
        name: "prod",
        change: { concurrency: "reject" },
      });
      await scene.ends(first ?? raise(), "success");
      expect(await scene.find(second ?? raise())).toMatchObject({ started: false });
      expect(await scene.find(third ?? raise())).toMatchObject({ started: true });
    });

    it("does not keep a rollback", async () => {
      const scene = await withProd({ concurrency: "reject" });
      await scene.past("prod", "S1 S2 A3");
      expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0-rc2", status: "pending" });
    });
  });

  describe("supersede", () => {
    it("calls off those that wait, and neither what is at work nor a rollback", async () => {
      const scene = await withProd({ concurrency: "supersede" });
      await deployAll(scene, 3);
      expect(await briefs(scene)).toEqual(["1.0-rc1 pending started", "1.0-rc2 canceled", "1.0-rc3 pending"]);
      expect((await scene.all("prod"))[1]?.error).toBe("superseded by 1.0-rc3");
      const other = await withProd({ concurrency: "supersede" });
      await other.past("prod", "S1 S2 A3");
      const rollback = await other.rollBack("prod");
      const question = { project: { key: other.project.key }, environment: "prod", version: "1.0-rc4" };
      expect(await explainGates(other.ctx, question)).toMatchObject({ state: "queued", behind: 2 });
      await other.deploy("prod", "1.0-rc4");
      expect(await other.find(rollback)).toMatchObject({ status: "pending", started: false });
    });

    it("leaves what was reported to wait elsewhere", async () => {
      const scene = await withProd({ concurrency: "supersede" });
      await scene.report("prod", "1.0-rc1", "pending");
      await deployAll(scene, 2);
      expect((await briefs(scene))[0]).toBe("1.0-rc1 pending");
    });
  });

  describe("calling off", () => {
    it("ends one that waits at once, and asks the run of one at work to end", async () => {
      const scene = await withProd();
      const [first, second] = await deployAll(scene, 2);
      expect(await scene.cancel(second?.number ?? 0)).toMatchObject({ status: "canceled", started: false });
      expect(await scene.cancel(first?.number ?? 0)).toMatchObject({ status: "canceling", endedAt: null });
      expect((await scene.runsOf(first ?? raise()))[0]?.cancelAskedAt).toEqual(scene.clock.now);
      expect(await scene.cancel(first?.number ?? 0)).toMatchObject({ status: "canceling" });
      await scene.ends(first ?? raise(), "canceled");
      await expect(scene.cancel(first?.number ?? 0)).rejects.toMatchObject({ code: "DEPLOYMENT_OVER" });
    });

    it("ends one at once that was only reported to run", async () => {
      const scene = await withProd();
      const reported = await scene.report("prod", "1.0-rc1", "in_progress");
      const next = await scene.deploy("prod", "1.0-rc2");
      expect(await scene.cancel(reported.number)).toMatchObject({ status: "canceled" });
      expect(await scene.find(next)).toMatchObject({ started: true });
    });
  });

  it("writes who forced what, and why, into the deployment and its event", async () => {
    const scene = await withProd();
    await mark(scene, "1.0-rc1");
    const force = { reason: "the customer agreed" };
    const by = (role: "releaser" | "admin") => asRole(scene.ctx, scene.project.id, role);
    await expect(scene.deploy("prod", "1.0-rc1", { force, by: by("releaser") })).rejects.toMatchObject({
      code: "FORBIDDEN",
      details: { needed: "admin" },
    });
    const forced = await scene.deploy("prod", "1.0-rc1", { force, by: by("admin") });
    expect(forced).toMatchObject({
      started: true,
      forced: [{ rule: "bad", subject: null }],
      forceReason: "the customer agreed",
      actorName: "admin",
    });
    const events = (await recordedEvents(db)).filter(({ json }) => json.includes(forced.id));
    expect(events.map(({ kind }) => kind)).toEqual(["deployment.requested", "deployment.started"]);
    expect(events[0]?.json).toContain("the customer agreed");
    const plain = await scene.deploy("prod", "1.0-rc2", { force, by: by("admin") });
    expect(plain).toMatchObject({ forced: [], forceReason: null });
  });
});

onPostgres((engine) => {
  it("numbers fifty deployments that are asked for at once without a gap, and starts one", async () => {
    const { db } = await engine.open();
    const scene = await deploymentScene(db);
    await scene.addEnvironment("prod");
    await scene.candidate("1.0-rc1");
    await Promise.all(Array.from({ length: 50 }, () => scene.deploy("prod", "1.0-rc1")));
    const all = await scene.all("prod");
    expect(all.map(({ environmentNumber }) => environmentNumber)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    expect(all.filter(({ started }) => started).map(({ environmentNumber }) => environmentNumber)).toEqual([
      1,
    ]);
    expect((await db.selectFrom("workflow_runs").select("id").execute()).length).toBe(1);
  });
});

function raise(): never {
  throw new Error("too few were accepted");
}
