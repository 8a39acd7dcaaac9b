import { expect, it } from "vitest";
import { carryOutLooks } from "../../test/support/carry-out-looks.ts";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { readyProject } from "../../test/support/ready-project.ts";
import { createFreeze } from "../environments/create-freeze.ts";
import { FreezeDraft } from "../environments/freeze-draft.ts";
import { liftFreeze } from "../environments/lift-freeze.ts";
import { listActive } from "./deployment-store.ts";
import { reportDeployment } from "./report-deployment.ts";

const WAITING = 130;

eachEngine((engine) => {
  it("a long queue behind a closed gate is looked at in parts, and goes on in turn when the gate opens", async () => {
    const ctx = testContext((await engine.open()).db);
    const { candidate, deploy, prod } = await readyProject(ctx, "web");
    for (let number = 1; number <= WAITING + 1; number += 1) await deploy(await candidate(number));
    const freeze = { name: "fair", reason: "the fair is on" };
    await createFreeze(ctx, FreezeDraft.parse(freeze));
    await reportDeployment(ctx, {
      project: { key: "web" },
      environment: "prod",
      version: "1.0-rc1",
      status: "success",
      message: "",
    });
    const keptByNow = async (): Promise<number> =>
      (await listActive(ctx.db, prod.id)).filter(({ waitsFor }) => waitsFor.includes("fair")).length;
    expect(await keptByNow()).toBe(100);
    await carryOutLooks(ctx);
    expect(await keptByNow()).toBe(WAITING);
    await liftFreeze(ctx, freeze.name);
    await carryOutLooks(ctx);
    const [first, ...others] = await listActive(ctx.db, prod.id);
    expect(first).toMatchObject({ version: "1.0-rc2", started: true });
    expect(others.some(({ started }) => started)).toBe(false);
  });
});
