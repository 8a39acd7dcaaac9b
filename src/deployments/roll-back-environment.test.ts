import { beforeAll, describe, expect, it } from "vitest";
import { as, asRole, recordedEvents } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type DeploymentScene, deploymentScene } from "../../test/support/deployment-scene.ts";
import { createFreeze } from "../environments/create-freeze.ts";
import { FreezeDraft } from "../environments/freeze-draft.ts";
import { deleteRelease } from "../releases/delete-release.ts";
import { markBad } from "../releases/mark-bad.ts";
import type { Database } from "../storage/database.ts";
import type { Deployment } from "./deployment.ts";
import { listHistory } from "./deployment-history-store.ts";
import { liftHold, listHolds } from "./lift-hold.ts";

const brief = ({ version, status }: Deployment): string => `${version} ${status}`;

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    ({ db } = await engine.open());
  });

  /** A scene with the environment `prod` and this past. */
  const withPast = async (history: string): Promise<DeploymentScene> => {
    const scene = await deploymentScene(db);
    await scene.addEnvironment("prod");
    await scene.past("prod", history);
    return scene;
  };
  const freeze = (scene: DeploymentScene, draft: Partial<FreezeDraft> = {}) =>
    createFreeze(
      scene.ctx,
      FreezeDraft.parse({
        name: `f-${scene.project.key}`,
        place: { project: scene.project.key },
        reason: "a test",
        ...draft,
      }),
    );
  const mark = (scene: DeploymentScene, version: string) =>
    markBad(scene.ctx, { projectKey: scene.project.key, version, reason: "it leaks" });

  describe("the table", () => {
    it.each([
      ["S1 S2", "1.0-rc1", "1.0-rc2"],
      ["S1 S2 F3", "1.0-rc2", "1.0-rc3"],
      ["S1 S2 E3", "1.0-rc2", "1.0-rc3"],
      ["S1 F2 F3", "1.0-rc1", "1.0-rc3"],
      ["S1 S2 A3", "1.0-rc2", "1.0-rc3"],
      ["S1 S2 X3", "1.0-rc2", "1.0-rc3"],
      ["S1 S2 C3", "1.0-rc1", "1.0-rc2"],
      ["S1 S2 S2", "1.0-rc1", "1.0-rc2"],
      ["S1 S2 R", "1.0-rc2", "1.0-rc1"],
      ["S1 S2 R R", "1.0-rc1", "1.0-rc2"],
    ])("after %s it goes to %s and leaves %s", async (history, target, left) => {
      const scene = await withPast(history);
      const past = await scene.all("prod");
      const rollback = await scene.rollBack("prod");
      const leaves = past.findLast(({ version }) => version === left);
      expect(rollback).toMatchObject({
        kind: "rollback",
        origin: "request",
        ours: true,
        status: "pending",
        version: target,
        fromVersion: left,
        fromReleaseVersion: "1.0",
        leavesNumber: leaves?.number,
        environmentNumber: past.length + 1,
        endedAt: null,
        error: null,
      });
    });

    it.each(["S1", "", "F1", "A1", "C1", "S1 S1"])(
      "after %j there is no target, and nothing is called off",
      async (history) => {
        const scene = await withPast(history);
        const before = await scene.all("prod");
        await expect(scene.rollBack("prod")).rejects.toMatchObject({ code: "ROLLBACK_TARGET_NOT_FOUND" });
        expect(await scene.all("prod")).toEqual(before);
      },
    );

    it("counts an error that was only reported as a failure", async () => {
      const scene = await withPast("S1 S2");
      await scene.candidate("1.0-rc3");
      await scene.report("prod", "1.0-rc3", "error", "no cluster");
      expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0-rc2", fromVersion: "1.0-rc3" });
    });
  });

  describe("what is no target", () => {
    it("passes over versions that are marked bad", async () => {
      const scene = await withPast("S1 S2 S3");
      await mark(scene, "1.0-rc2");
      expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0-rc1" });
    });

    it("finds none when all others are marked bad", async () => {
      const scene = await withPast("S1 S2");
      await mark(scene, "1.0-rc1");
      await expect(scene.rollBack("prod")).rejects.toMatchObject({ code: "ROLLBACK_TARGET_NOT_FOUND" });
    });

    it("has the gate judge a bad version that is asked for by name", async () => {
      const scene = await withPast("S1 S2 S3");
      await mark(scene, "1.0-rc1");
      const how = { version: "1.0-rc1", force: { reason: "the leak is mended outside" } };
      await expect(scene.rollBack("prod", { version: "1.0-rc1" })).rejects.toMatchObject({
        code: "RELEASE_BAD",
      });
      const releaser = asRole(scene.ctx, scene.project.id, "releaser");
      await expect(scene.rollBack("prod", { ...how, by: releaser })).rejects.toMatchObject({
        code: "FORBIDDEN",
      });
      expect((await scene.all("prod")).length).toBe(3);
      const rollback = await scene.rollBack("prod", {
        ...how,
        by: asRole(scene.ctx, scene.project.id, "admin"),
      });
      expect(rollback).toMatchObject({
        version: "1.0-rc1",
        started: true,
        forced: [{ rule: "bad", subject: null }],
        forceReason: "the leak is mended outside",
      });
    });

    it("passes over a release whose content was deleted, and one that was made anew under its name", async () => {
      const scene = await deploymentScene(db);
      const { ctx, project } = scene;
      await scene.addEnvironment("prod");
      for (const version of ["1.0", "2.0", "3.0"]) {
        const contentId = await scene.bareRelease(version);
        await scene.ends(await scene.deploy("prod", version), "success");
        if (version === "2.0") await deleteRelease(ctx, { projectKey: project.key, contentId });
      }
      await scene.bareRelease("2.0");
      expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0", fromVersion: "3.0" });
      await expect(scene.rollBack("prod", { version: "2.0" })).rejects.toMatchObject({
        code: "ROLLBACK_TARGET_NOT_FOUND",
      });
    });

    it("passes over what was rolled back from where that is wanted, until the hold is lifted", async () => {
      const scene = await withPast("S1 S2 S3 R");
      const { project, ctx } = scene;
      // Now rc2 runs and rc3 is held.
      const literal = await scene.rollBack("prod");
      expect(literal.version).toBe("1.0-rc3");
      await scene.cancel(literal.number);
      await scene.ends(literal, "canceled");
      // Both were left by a rollback; of rc2 that is forgiven.
      await liftHold(ctx, { projectKey: project.key, environment: "prod", version: "1.0-rc2" });
      expect(await scene.rollBack("prod", { skipRolledBack: true })).toMatchObject({ version: "1.0-rc2" });
    });

    it("refuses when everything else was rolled back from and that is to be passed over", async () => {
      const scene = await withPast("S1 S2 R");
      await expect(scene.rollBack("prod", { skipRolledBack: true })).rejects.toMatchObject({
        code: "ROLLBACK_TARGET_NOT_FOUND",
      });
      expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0-rc2" });
    });
  });

  it("goes to the version that is asked for", async () => {
    const scene = await withPast("S1 S2 S3");
    expect(await scene.rollBack("prod", { version: "1.0-rc1" })).toMatchObject({ fromVersion: "1.0-rc3" });
    const other = await withPast("S1 S2 S3");
    for (const version of ["1.0-rc3", "1.0-rc9"])
      await expect(other.rollBack("prod", { version })).rejects.toMatchObject({
        code: "ROLLBACK_TARGET_NOT_FOUND",
      });
  });

  it("looks beyond hundreds of failures and of attempts that never began", async () => {
    const scene = await withPast("S1 S2");
    for (let number = 1; number <= 215; number += 1) {
      await scene.candidate(`2.0-rc${number}`);
      await scene.report("prod", `2.0-rc${number}`, number <= 10 ? "failure" : "canceled");
    }
    expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0-rc2", fromVersion: "2.0-rc10" });
  });

  describe("while something is under way", () => {
    it("calls it off, waits for its end, and starts before all that wait", async () => {
      const scene = await withPast("S1 S2 A3");
      const running = (await scene.all("prod")).at(-1);
      if (!running) throw new Error("nothing runs");
      await scene.candidate("1.0-rc4");
      const queued = await scene.deploy("prod", "1.0-rc4");
      const rollback = await scene.rollBack("prod");
      expect((await scene.all("prod")).map(brief)).toEqual([
        "1.0-rc1 success",
        "1.0-rc2 success",
        "1.0-rc3 canceling",
        "1.0-rc4 canceled",
        "1.0-rc2 pending",
      ]);
      expect((await scene.find(queued)).error).toContain("for a rollback to 1.0-rc2");
      expect(rollback.started).toBe(false);
      const later = await scene.deploy("prod", "1.0-rc4", {
        by: as(scene.ctx, { userId: "u", roles: { [scene.project.id]: "releaser" } }),
      });
      await scene.ends(running, "canceled", "ended by signal");
      expect(await scene.find(rollback)).toMatchObject({ started: true, status: "pending" });
      expect(await scene.find(later)).toMatchObject({ started: false, status: "pending" });
      expect((await scene.runsOf(rollback)).length).toBe(1);
      await scene.ends(rollback, "success");
      expect(await scene.find(later)).toMatchObject({ started: true });
    });

    it("starts also after a run that succeeded although it was called off", async () => {
      const scene = await withPast("S1 S2 A3");
      const rollback = await scene.rollBack("prod");
      const [, , running] = await scene.all("prod");
      if (!running) throw new Error("nothing runs");
      expect(await scene.ends(running, "success")).toMatchObject({ status: "success" });
      expect(await scene.find(rollback)).toMatchObject({ started: true, version: "1.0-rc2" });
    });

    it("answers with the rollback that is under way, and starts nothing", async () => {
      const scene = await withPast("S1 S2 S3");
      const first = await scene.rollBack("prod");
      const again = await scene.rollBack("prod");
      const named = await scene.rollBack("prod", { version: "1.0-rc2" });
      expect([again.number, named.number]).toEqual([first.number, first.number]);
      expect((await scene.all("prod")).length).toBe(4);
      await scene.runs(first);
      expect((await scene.rollBack("prod")).number).toBe(first.number);
      await freeze(scene);
      expect((await scene.rollBack("prod")).number).toBe(first.number);
    });

    it("calls a rollback off for another target", async () => {
      const scene = await withPast("S1 S2 S3");
      const first = await scene.rollBack("prod");
      const other = await scene.rollBack("prod", { version: "1.0-rc1" });
      expect(other.number).toBeGreaterThan(first.number);
      expect(await scene.find(first)).toMatchObject({ status: "canceling" });
      // Its start was written down, so it is what is left.
      expect(other).toMatchObject({ version: "1.0-rc1", fromVersion: "1.0-rc2", started: false });
      await scene.ends(first, "canceled");
      expect(await scene.find(other)).toMatchObject({ started: true });
    });

    it("begins a new one once the newest deployment is no rollback any more", async () => {
      const scene = await withPast("S1 S2 A3");
      const first = await scene.rollBack("prod");
      const next = await scene.deploy("prod", "1.0-rc2");
      const second = await scene.rollBack("prod");
      expect(second.number).toBeGreaterThan(next.number);
      expect(await scene.find(first)).toMatchObject({ status: "canceled", started: false });
    });

    it("makes one new deployment of many rollbacks at once", async () => {
      const scene = await withPast("S1 S2 A3");
      const answers = await Promise.all(Array.from({ length: 8 }, () => scene.rollBack("prod")));
      expect(new Set(answers.map(({ number }) => number)).size).toBe(1);
      const all = await scene.all("prod");
      expect(all.map(({ environmentNumber }) => environmentNumber)).toEqual([1, 2, 3, 4]);
      const canceling = (await listHistory(db, all[2]?.number ?? 0)).filter(
        ({ status }) => status === "canceling",
      );
      expect(canceling.length).toBe(1);
    });
  });

  describe("at a closed gate", () => {
    it("is refused by a freeze, before a target is looked for and before anything is called off", async () => {
      const [none, some] = [await withPast("S1"), await withPast("S1 S2 A3")];
      for (const scene of [none, some]) {
        await freeze(scene);
        await expect(scene.rollBack("prod")).rejects.toMatchObject({ code: "ENVIRONMENT_FROZEN" });
      }
      expect((await some.all("prod")).map(brief).at(-1)).toBe("1.0-rc3 in_progress");
    });

    it("is let through by force of somebody who may, and says why in the deployment and its event", async () => {
      const scene = await withPast("S1 S2");
      const { id } = await freeze(scene);
      const force = { reason: "customers cannot pay" };
      await expect(
        scene.rollBack("prod", { force, by: asRole(scene.ctx, scene.project.id, "approver") }),
      ).rejects.toMatchObject({ code: "FORBIDDEN" });
      const rollback = await scene.rollBack("prod", {
        force,
        by: asRole(scene.ctx, scene.project.id, "admin"),
      });
      expect(rollback).toMatchObject({
        started: true,
        forced: [{ rule: "freeze", subject: id }],
        forceReason: "customers cannot pay",
      });
      const requested = (await recordedEvents(db)).filter(
        ({ kind, json }) => kind === "deployment.requested" && json.includes(rollback.id),
      );
      expect(requested.map(({ json }) => json)).toEqual([expect.stringContaining("customers cannot pay")]);
    });

    it("knows no target under force either", async () => {
      const scene = await withPast("S1");
      await freeze(scene);
      await expect(scene.rollBack("prod", { force: { reason: "must" } })).rejects.toMatchObject({
        code: "ROLLBACK_TARGET_NOT_FOUND",
      });
    });

    it("asks neither promotion nor hold", async () => {
      const scene = await deploymentScene(db);
      await scene.addEnvironment("staging");
      await scene.addEnvironment("prod");
      await scene.past("prod", "S1 S2 R");
      await scene.ctx.db
        .updateTable("environments")
        .set({ promotion_from_id: (await scene.environment("staging")).id })
        .where("id", "=", (await scene.environment("prod")).id)
        .execute();
      // To rc2, which never was in staging, and is held here.
      expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0-rc2", started: true });
    });
  });

  describe("the hold", () => {
    it("keeps what was left from automation, not from a person, and outlives the person's deployment", async () => {
      const scene = await withPast("S1 S2 R");
      const { ctx, project } = scene;
      const holds = await listHolds(ctx, { projectKey: project.key, environment: null });
      expect(holds).toMatchObject([{ version: "1.0-rc2", createdBy: "system" }]);
      const role = { [project.id]: "releaser" } as const;
      const [machine, person] = [
        as(ctx, { roles: role }),
        as(ctx, { userId: "u1", name: "ann", roles: role }),
      ];
      await expect(scene.deploy("prod", "1.0-rc2", { by: machine })).rejects.toMatchObject({
        code: "RELEASE_HELD",
      });
      await scene.ends(await scene.deploy("prod", "1.0-rc2", { by: person }), "success");
      expect(await listHolds(ctx, { projectKey: project.key, environment: null })).toEqual(holds);
      await scene.ends(
        await scene.deploy("prod", "1.0-rc2", { by: machine, force: { reason: "again" } }),
        "success",
      );
      await liftHold(ctx, { projectKey: project.key, environment: "prod", version: "1.0-rc2" });
      expect(await scene.deploy("prod", "1.0-rc2", { by: machine })).toMatchObject({ forced: [] });
    });

    it("is not made of what is gone back to", async () => {
      const scene = await withPast("S1 S2 F2");
      expect(await scene.rollBack("prod")).toMatchObject({ version: "1.0-rc2", fromVersion: "1.0-rc2" });
      expect(await listHolds(scene.ctx, { projectKey: scene.project.key, environment: null })).toEqual([]);
    });
  });
});
