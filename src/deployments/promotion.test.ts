import { beforeAll, expect, it } from "vitest";
import { recordedEvents } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type DeploymentScene, deploymentScene } from "../../test/support/deployment-scene.ts";
import { inTransaction } from "../context.ts";
import { changeEnvironment } from "../environments/change-environment.ts";
import { applyRunToCandidate } from "../releases/apply-run.ts";
import { deleteRelease } from "../releases/delete-release.ts";
import { markBad } from "../releases/mark-bad.ts";
import type { Database } from "../storage/database.ts";

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    ({ db } = await engine.open());
  });

  const withStages = async (history = ""): Promise<DeploymentScene> => {
    const scene = await deploymentScene(db);
    await scene.addEnvironment("staging");
    await scene.addEnvironment("prod", { promotionFrom: "staging" });
    await scene.past("staging", history);
    return scene;
  };
  const missing = { code: "PROMOTION_MISSING" };
  const promote = (scene: DeploymentScene, name: string, promotionFrom: string | null) =>
    changeEnvironment(scene.ctx, { projectKey: scene.project.key, name, change: { promotionFrom } });

  it("lets only what succeeded in the environment before come here", async () => {
    const scene = await withStages("F1 S2");
    await expect(scene.deploy("prod", "1.0-rc1")).rejects.toMatchObject(missing);
    expect(await scene.deploy("prod", "1.0-rc2")).toMatchObject({ started: true });
    await scene.report("staging", "1.0-rc2", "failure");
    await expect(scene.deploy("prod", "1.0-rc2")).rejects.toMatchObject(missing);
  });

  it("closes for what was rolled back there since, until it succeeds there again", async () => {
    const scene = await withStages("S1 S2 R");
    await expect(scene.deploy("prod", "1.0-rc2")).rejects.toMatchObject(missing);
    expect(await scene.deploy("prod", "1.0-rc1")).toMatchObject({ started: true });
    await scene.ends(await scene.deploy("staging", "1.0-rc2", { force: { reason: "mended" } }), "success");
    expect(await scene.deploy("prod", "1.0-rc2")).toMatchObject({ forced: [] });
  });

  it("does not count a rollback that was called off before it began", async () => {
    const scene = await withStages("S1 S2 S3 A2");
    const rollback = await scene.rollBack("staging", { version: "1.0-rc1" });
    expect(rollback).toMatchObject({ fromVersion: "1.0-rc2", started: false });
    await expect(scene.deploy("prod", "1.0-rc2")).rejects.toMatchObject(missing);
    await scene.cancel(rollback.number);
    expect(await scene.deploy("prod", "1.0-rc2")).toMatchObject({ status: "pending" });
  });

  it("asks a release that was deleted and made again for a success of its own", async () => {
    const scene = await withStages();
    const contentId = await scene.bareRelease("2.0");
    await scene.ends(await scene.deploy("staging", "2.0"), "success");
    await scene.ends(await scene.deploy("prod", "2.0"), "success");
    await deleteRelease(scene.ctx, { projectKey: scene.project.key, contentId });
    await scene.bareRelease("2.0");
    await expect(scene.deploy("prod", "2.0")).rejects.toMatchObject(missing);
  });

  it("refuses a circle, of one environment and of three", async () => {
    const scene = await withStages();
    await scene.addEnvironment("canary", { promotionFrom: "prod" });
    for (const [name, from] of [
      ["prod", "prod"],
      ["staging", "prod"],
      ["staging", "canary"],
    ] as const)
      await expect(promote(scene, name, from)).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await promote(scene, "canary", null);
    await promote(scene, "staging", "canary");
  });

  it("lets only one of two rules in that would close a circle together", async () => {
    const scene = await deploymentScene(db);
    await scene.addEnvironment("a");
    await scene.addEnvironment("b");
    const both = await Promise.allSettled([promote(scene, "a", "b"), promote(scene, "b", "a")]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const rules = [await scene.environment("a"), await scene.environment("b")];
    expect(rules.filter(({ promotionFromId }) => promotionFromId !== null).length).toBe(1);
  });

  it("deploys a candidate by itself once its build is ready, and passes closed gates over with an event", async () => {
    const scene = await deploymentScene(db);
    await scene.addEnvironment("dev", { autoDeploy: true });
    await scene.addEnvironment("prod", { autoDeploy: true, promotionFrom: "dev" });
    await scene.addEnvironment("manual");
    const { id } = await scene.candidate("1.0-rc1", "building");
    const becomes = (state: "failure" | "success", candidate: string) =>
      inTransaction(scene.ctx, (tx) => applyRunToCandidate(tx, candidate, state, ""));
    expect(await scene.all("dev")).toEqual([]);
    await becomes("success", id);
    expect(await scene.all("dev")).toMatchObject([
      { version: "1.0-rc1", origin: "automatic", actorName: "system", started: true },
    ]);
    expect([...(await scene.all("prod")), ...(await scene.all("manual"))]).toEqual([]);
    const skipped = async () =>
      (await recordedEvents(db)).filter(
        ({ kind, json }) => kind === "deployment.skipped" && json.includes(scene.project.id),
      );
    expect((await skipped()).map(({ json }) => json)).toEqual([
      expect.stringContaining("1.0-rc1 has not succeeded in dev"),
    ]);
    await becomes("success", id);
    expect((await scene.all("dev")).length).toBe(1);
    const bad = await scene.candidate("1.0-rc2", "building");
    await markBad(scene.ctx, { projectKey: scene.project.key, version: "1.0-rc2", reason: "it leaks" });
    await becomes("success", bad.id);
    expect((await scene.all("dev")).length).toBe(1);
    expect((await skipped()).length).toBe(3);
    const failed = await scene.candidate("1.0-rc3", "building");
    await becomes("failure", failed.id);
    expect((await scene.all("dev")).length).toBe(1);
  });
});
