import { beforeAll, describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { type DeploymentScene, deploymentScene } from "../../test/support/deployment-scene.ts";
import type { Database } from "../storage/database.ts";
import { listHistory } from "./deployment-history-store.ts";

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    ({ db } = await engine.open());
  });

  const withPast = async (history: string): Promise<DeploymentScene> => {
    const scene = await deploymentScene(db);
    await scene.addEnvironment("prod");
    await scene.past("prod", history);
    return scene;
  };
  const current = async (scene: DeploymentScene): Promise<string | null> => {
    const { currentDeployment: number } = await scene.environment("prod");
    return number === null ? null : (await scene.find({ number })).version;
  };
  const statuses = async ({ number }: { readonly number: number }) =>
    (await listHistory(db, number)).map(({ status, source }) => `${source}: ${status}`);

  describe("what an environment runs", () => {
    it("is the newest success, and nothing before the first", async () => {
      expect(await current(await withPast(""))).toBeNull();
      expect(await current(await withPast("F1"))).toBeNull();
      expect(await current(await withPast("S1 S2 F3 A4"))).toBe("1.0-rc2");
      expect(await current(await withPast("S1 S2 R"))).toBe("1.0-rc1");
    });

    it("does not go back when an older attempt succeeds late", async () => {
      const scene = await withPast("F1 S2");
      await scene.report("prod", "1.0-rc1", "success");
      expect(await current(scene)).toBe("1.0-rc2");
      expect((await scene.all("prod")).map(({ status }) => status)).toEqual(["success", "success"]);
    });

    it("is found out anew when a report corrects a success", async () => {
      const scene = await withPast("S1 S2");
      await scene.report("prod", "1.0-rc2", "failure", "nobody could sign in");
      expect(await current(scene)).toBe("1.0-rc1");
      await scene.report("prod", "1.0-rc1", "error");
      expect(await current(scene)).toBeNull();
      await scene.report("prod", "1.0-rc2", "success");
      expect(await current(scene)).toBe("1.0-rc2");
    });

    it("is what a deployment comes from, as it was at its acceptance", async () => {
      const scene = await withPast("S1 F2 S3");
      await scene.candidate("1.0-rc4");
      await scene.report("prod", "1.0-rc4", "in_progress");
      expect((await scene.all("prod")).map(({ fromVersion }) => fromVersion)).toEqual([
        null,
        "1.0-rc1",
        "1.0-rc1",
        "1.0-rc3",
      ]);
      await scene.report("prod", "1.0-rc3", "failure");
      expect((await scene.all("prod"))[3]?.fromReleaseVersion).toBe("1.0");
      expect((await scene.all("prod"))[3]?.fromVersion).toBe("1.0-rc3");
    });
  });

  describe("the end of a deployment", () => {
    it("has one moment, however often it is corrected", async () => {
      const scene = await withPast("S1");
      const [first] = await scene.all("prod");
      expect(first?.endedAt).toEqual(scene.clock.now);
      scene.clock.step(5);
      for (const status of ["failure", "success", "canceled"] as const)
        expect(await scene.report("prod", "1.0-rc1", status)).toMatchObject({
          status,
          endedAt: first?.endedAt,
        });
    });

    it("keeps what went wrong, and forgets it with a success", async () => {
      const scene = await withPast("A1");
      expect(await scene.report("prod", "1.0-rc1", "failure", "no room left")).toMatchObject({
        error: "no room left",
      });
      expect(await scene.report("prod", "1.0-rc1", "error")).toMatchObject({ error: "no room left" });
      expect(await scene.report("prod", "1.0-rc1", "success", "after all")).toMatchObject({ error: null });
    });

    it("is not changed by what its run says later, for a report has the last word", async () => {
      const scene = await withPast("A1");
      await scene.report("prod", "1.0-rc1", "success");
      const [first] = await scene.all("prod");
      await scene.ends(first ?? { number: 0 }, "failure", "exit code 1");
      expect(await scene.find(first ?? { number: 0 })).toEqual(first);
    });
  });

  describe("a report", () => {
    it("makes the deployment that is not known, in any status, and starts nothing", async () => {
      const scene = await withPast("");
      for (const [index, status] of (
        ["pending", "in_progress", "success", "failure", "canceling", "canceled", "error", "unknown"] as const
      ).entries()) {
        await scene.candidate(`2.0-rc${index + 1}`);
        const made = await scene.report("prod", `2.0-rc${index + 1}`, status, "said");
        expect(made).toMatchObject({ status, origin: "report", environmentNumber: index + 1 });
        expect(made.started).toBe(status === "in_progress");
        expect(await scene.runsOf(made)).toEqual([]);
      }
    });

    it("of a beginning after the end is history only, unless it ended long ago and no run of ours drove it", async () => {
      const scene = await withPast("S1");
      await scene.candidate("1.0-rc2");
      await scene.report("prod", "1.0-rc2", "in_progress");
      const reported = await scene.report("prod", "1.0-rc2", "success");
      scene.clock.step(10);
      expect((await scene.report("prod", "1.0-rc2", "in_progress")).number).toBe(reported.number);
      expect(await statuses(reported)).toEqual([
        "report: pending",
        "report: in_progress",
        "report: success",
        "report: in_progress",
      ]);
      expect(await scene.find(reported)).toEqual(reported);
      scene.clock.step(1);
      for (const status of ["unknown", "canceling"] as const)
        expect((await scene.report("prod", "1.0-rc2", status)).number).toBe(reported.number);
      const again = await scene.report("prod", "1.0-rc2", "in_progress");
      expect(again).toMatchObject({ environmentNumber: 3, fromVersion: "1.0-rc2", started: true });
      // The first one was driven by a run of ours.
      await scene.report("prod", "1.0-rc1", "pending");
      expect((await scene.all("prod")).length).toBe(3);
    });

    it("of a failure corrects the success of the same attempt, and both stay in its history", async () => {
      const scene = await withPast("A1");
      const [first] = await scene.all("prod");
      await scene.report("prod", "1.0-rc1", "success");
      await scene.report("prod", "1.0-rc1", "failure", "it was not");
      expect(await statuses(first ?? { number: 0 })).toEqual([
        "headgate: pending",
        "run: in_progress",
        "report: success",
        "report: failure",
      ]);
    });

    it("is never refused, whatever is closed", async () => {
      const scene = await withPast("S1 S2 R");
      const { id } = await scene.environment("prod");
      await db
        .insertInto("freezes")
        .values({
          id: `${scene.project.id.slice(0, 20)}ffff`,
          name: `r-${scene.project.key}`,
          level: "environment",
          project_id: scene.project.id,
          tier: null,
          environment_id: id,
          effect: "deny",
          schedule_json: JSON.stringify({ kind: "now", startsAt: "2026-01-01T00:00:00.000Z" }),
          reason: "a test",
          owner_name: "ann",
          created_by: "ann",
          created_at: 0,
          expires_at: null,
          bypass: null,
          origin: "person",
          lifted_at: null,
          lifted_by: null,
        })
        .execute();
      scene.clock.step(20);
      await scene.candidate("1.0-rc3", "failed");
      await scene.report("prod", "1.0-rc3", "success");
      expect(await current(scene)).toBe("1.0-rc3");
    });
  });

  it("numbers what is reported and what is asked for in one row", async () => {
    const scene = await withPast("");
    await scene.candidate("1.0-rc1");
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        await scene.candidate(`3.0-rc${index + 1}`);
        await (index % 2 === 0
          ? scene.report("prod", `3.0-rc${index + 1}`, "success")
          : scene.deploy("prod", "1.0-rc1"));
      }),
    );
    expect((await scene.all("prod")).map(({ environmentNumber }) => environmentNumber)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });
});
