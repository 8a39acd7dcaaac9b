import { beforeAll, describe, expect, it } from "vitest";
import { carryOutLooks } from "../../test/support/carry-out-looks.ts";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { readyProject } from "../../test/support/ready-project.ts";
import { type Context, inTransaction } from "../context.ts";
import { findDistributionOf } from "../distributions/distribution-store.ts";
import { finishDistribution } from "../distributions/finish-distribution.ts";
import { deleteRelease } from "../releases/delete-release.ts";
import { prepareRelease } from "../releases/prepare-release.ts";
import { getDeployment } from "./get-deployment.ts";
import { reportDeployment } from "./report-deployment.ts";

eachEngine((engine) => {
  describe("a deployment that waits for the images of its release", () => {
    let ctx: Context;
    beforeAll(async () => {
      ctx = testContext((await engine.open()).db);
    });

    /** Its candidate was ready when it was accepted; the release was filled while it waited for its turn. */
    async function waiting(key: string): Promise<{ readonly contentId: string; readonly number: number }> {
      const { candidate, deploy } = await readyProject(ctx, key);
      const first = await candidate(1);
      await deploy(first);
      const { number } = await deploy(await candidate(2));
      const fill = await prepareRelease(ctx, {
        projectKey: key,
        version: "1.0",
        source: "manual",
        originalVersion: null,
        environmentName: "",
        production: false,
        description: "",
        labels: [],
        targetConnectionId: null,
        withReferrers: null,
        createdBy: "somebody",
        services: [],
      });
      const { content } = await fill(ctx);
      const report = { environment: "prod", version: first, status: "success", message: "" } as const;
      await reportDeployment(ctx, { project: { key }, ...report });
      expect(await getDeployment(ctx, number)).toMatchObject({
        started: false,
        waitsFor: expect.stringContaining("images"),
      });
      return { contentId: content.id, number };
    }

    it("starts when they are copied", async () => {
      const { contentId, number } = await waiting("copied");
      const { id = "" } = (await findDistributionOf(ctx.db, contentId)) ?? {};
      await inTransaction(ctx, (tx) => finishDistribution(tx, id));
      await carryOutLooks(ctx);
      expect(await getDeployment(ctx, number)).toMatchObject({ started: true });
    });

    it("starts when the release contains none any more", async () => {
      const { contentId, number } = await waiting("deleted");
      await deleteRelease(ctx, { contentId, projectKey: null });
      await carryOutLooks(ctx);
      expect(await getDeployment(ctx, number)).toMatchObject({ started: true });
    });
  });
});
