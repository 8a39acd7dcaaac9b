import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene } from "../support/deploy-scene.ts";

eachEngine((engine) => {
  describe("a commit's way into production", () => {
    let scene: DeployScene;
    beforeAll(async () => {
      scene = await deployScene(engine, {
        programs: { deploy: 'case "$HEADGATE_VERSION" in *-rc3) echo no room left; exit 3;; esac' },
      });
      await scene.addWorkflow("web", { name: "deploy", provider: "command", target: "deploy" });
      await scene.addEnvironment("web", { name: "prod", tier: "production", workflow: "deploy" });
    });
    afterAll(() => scene.stop());

    it("is cut, deployed, fails, and is taken back", async () => {
      for (const [index, commit] of scene.commits.entries())
        expect(await scene.cut(`1.2.3-rc${index + 1}`, commit)).toMatchObject({ status: 201, text: "" });
      for (const version of ["1.2.3-rc1", "1.2.3-rc2"]) {
        expect(await scene.deploy("prod", version)).toMatchObject({ status: 201, text: "" });
        expect(await scene.until("prod", "success", "failure", "error")).toMatchObject({
          status: "success",
          release_candidate_version: version,
          error_message: null,
        });
      }
      await scene.deploy("prod", "1.2.3-rc3");
      const failed = await scene.until("prod", "success", "failure", "error");
      expect(failed).toMatchObject({
        status: "failure",
        from_release_candidate_version: "1.2.3-rc2",
        error_message: expect.stringContaining("no room left"),
      });
      const back = await scene.rollBack("prod");
      expect(back).toMatchObject({
        status: 201,
        json: { status: "pending", release_candidate_version: "1.2.3-rc2", deploy_end_at: null },
      });
      expect(await scene.until("prod", "success", "failure", "error")).toMatchObject({
        status: "success",
        release_candidate_version: "1.2.3-rc2",
        from_release_candidate_version: "1.2.3-rc3",
      });
    });
  });
});
