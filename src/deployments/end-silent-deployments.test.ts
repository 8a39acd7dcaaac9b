import { beforeAll, describe, expect, it } from "vitest";
import { as, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type ReadyProject, readyProject } from "../../test/support/ready-project.ts";
import type { Context } from "../context.ts";
import { changeEnvironment } from "../environments/change-environment.ts";
import type { TaskRun } from "../tasks/task.ts";
import type { DeploymentStatus } from "./deployment.ts";
import { endSilentDeployments } from "./end-silent-deployments.task.ts";
import { getDeployment } from "./get-deployment.ts";
import { reportDeployment } from "./report-deployment.ts";

const MINUTE = 60_000;
const PROJECT = { key: "web" };

eachEngine((engine) => {
  describe("what was reported to be under way, and then nothing", () => {
    let ctx: Context;
    let ready: ReadyProject;
    let now = new Date("2026-03-01T12:00:00Z");
    beforeAll(async () => {
      ctx = testContext((await engine.open()).db, { now: () => now });
      ready = await readyProject(ctx, PROJECT.key);
    });

    const report = (version: string, status: DeploymentStatus, by: Context = ctx) =>
      reportDeployment(by, { project: PROJECT, environment: "prod", version, status, message: "" });
    const later = (minutes: number): void => {
      now = new Date(now.getTime() + minutes * MINUTE);
    };
    const endSilent = (): Promise<void> =>
      endSilentDeployments.run(ctx, null, { signal: new AbortController().signal } as TaskRun);
    const statusOf = async ({ number }: { readonly number: number }) =>
      (await getDeployment(ctx, number)).status;

    it("ends after the environment's time limit, and what waited behind it starts", async () => {
      const reported = await report(await ready.candidate(1), "in_progress");
      const waiting = await ready.deploy(await ready.candidate(2));
      later(40);
      await report("1.0-rc1", "in_progress");
      later(40);
      await endSilent();
      expect(await statusOf(reported)).toBe("in_progress");
      later(21);
      await endSilent();
      expect(await getDeployment(ctx, reported.number)).toMatchObject({
        status: "error",
        error: "no sign of life for 60 minutes",
      });
      expect(await getDeployment(ctx, waiting.number)).toMatchObject({ status: "pending", started: true });
      await report("1.0-rc2", "success");
    });

    it("is left to those who report where there is no workflow, and so is what waits", async () => {
      await changeEnvironment(ctx, { projectKey: "web", name: "prod", change: { workflow: null } });
      const reported = await report(await ready.candidate(3), "in_progress");
      later(120);
      await endSilent();
      expect(await statusOf(reported)).toBe("in_progress");
      await report("1.0-rc3", "success");
      await changeEnvironment(ctx, { projectKey: "web", name: "prod", change: { workflow: "deploy" } });
    });

    it("is left to its run where there is one, for which a report is a sign of life", async () => {
      const driven = await ready.deploy(await ready.candidate(4));
      later(50);
      await report("1.0-rc4", "in_progress");
      expect(await ready.runOf(driven)).toMatchObject({ seenAt: now });
      later(70);
      await endSilent();
      expect(await statusOf(driven)).toBe("in_progress");
    });

    it("may be said by whoever may only report there, and by nobody else", async () => {
      const reporter = as(ctx, { reportsIn: [ready.project.id] });
      expect(await report("1.0-rc4", "success", reporter)).toMatchObject({ status: "success" });
      await expect(report("1.0-rc4", "success", as(ctx, {}))).rejects.toMatchObject({
        code: "PROJECT_NOT_FOUND",
      });
    });
  });
});
