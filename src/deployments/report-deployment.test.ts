import { describe, expect, it } from "vitest";
import { createEnvironment } from "../environments/create-environment.ts";
import { findEnvironmentById } from "../environments/environment-store.ts";
import { newId } from "../kernel/id.ts";
import { createProject } from "../projects/create-project.ts";
import { asRole, testContext } from "../../test/support/context.ts";
import { eachEngine, type Engine } from "../../test/support/databases.ts";
import type { DeploymentStatus } from "./deployment.ts";
import { reportDeployment } from "./report-deployment.ts";

/** The project `web` with the environments `staging` and `live`, and releases that contain something. */
async function scene(engine: Engine, versions: readonly string[]) {
  const { db } = await engine.open();
  const ctx = testContext(db);
  const { id: projectId } = await createProject(ctx, { key: "web", name: "web" });
  for (const name of ["staging", "live"])
    await createEnvironment(ctx, { projectKey: "web", draft: { name, tier: "staging" } });
  for (const version of versions) {
    const release = { id: newId(new Date()), project_id: projectId, version, created_at: 1 };
    await db
      .insertInto("releases")
      .values({ ...release, stage: "draft" })
      .execute();
    await db
      .insertInto("release_contents")
      .values({
        ...release,
        id: newId(new Date()),
        release_id: release.id,
        packaging: "manifests",
        source: "manual",
        environment_name: "",
        production: 0,
        original_content_id: null,
        description: "",
        labels_json: "[]",
        target_connection_id: null,
        wire_extras_json: "{}",
        created_by: "somebody",
        deleted_at: null,
      })
      .execute();
  }
  const report = (version: string, status: DeploymentStatus, environment = "staging", by = ctx) =>
    reportDeployment(by, { project: { key: "web" }, environment, version, status, message: "" });
  const runs = async (environmentId: string): Promise<number | null | undefined> =>
    (await findEnvironmentById(db, environmentId))?.currentDeployment;
  return { db, ctx, projectId, report, runs };
}

eachEngine((engine) => {
  describe("a report", () => {
    it("of a version that came here counts although its content was deleted since", async () => {
      const { db, report } = await scene(engine, ["1.0.0"]);
      const begun = await report("1.0.0", "in_progress");
      await db.updateTable("release_contents").set({ deleted_at: 2 }).execute();
      expect(await report("1.0.0", "success")).toMatchObject({ number: begun.number, status: "success" });
      await expect(report("1.0.0", "success", "live")).rejects.toMatchObject({ code: "RELEASE_NOT_FOUND" });
    });

    it("is refused for an unknown version before it is for the lack of a right, and leaves nothing", async () => {
      const { db, ctx, projectId, report } = await scene(engine, ["1.0.0"]);
      const viewer = asRole(ctx, projectId, "viewer");
      await expect(report("2.0.0", "success", "staging", viewer)).rejects.toMatchObject({
        code: "RELEASE_NOT_FOUND",
      });
      await expect(report("1.0.0", "success", "staging", viewer)).rejects.toMatchObject({
        code: "FORBIDDEN",
      });
      await expect(report("1.0.0", "success", "elsewhere", viewer)).rejects.toMatchObject({
        code: "ENVIRONMENT_NOT_FOUND",
      });
      expect(await db.selectFrom("deployments").select("number").execute()).toEqual([]);
    });
  });

  describe("what an environment runs", () => {
    it("is the success with the highest number: a late one of an older attempt does not win", async () => {
      const { report, runs } = await scene(engine, ["1.0.0", "2.0.0"]);
      await report("1.0.0", "in_progress");
      const newer = await report("2.0.0", "success");
      await report("1.0.0", "success");
      expect(await runs(newer.environmentId)).toBe(newer.number);
    });

    it("is the success before it once a success is corrected, and nothing when there is none", async () => {
      const { report, runs } = await scene(engine, ["1.0.0", "2.0.0"]);
      const older = await report("1.0.0", "success");
      await report("2.0.0", "success");
      await report("2.0.0", "failure");
      expect(await runs(older.environmentId)).toBe(older.number);
      await report("1.0.0", "failure");
      expect(await runs(older.environmentId)).toBeNull();
    });
  });
});
