import { pino } from "pino";
import { expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { readyProject } from "../../test/support/ready-project.ts";
import { HOUR, readTask } from "../../test/support/task-runners.ts";
import { createConnection } from "../connections/create-connection.ts";
import type { Context } from "../context.ts";
import { changeEnvironment } from "../environments/change-environment.ts";
import { startTaskRunner } from "../tasks/task-runner.ts";
import { carryOutRun } from "./carry-out-run.task.ts";
import { createWorkflow } from "./create-workflow.ts";

eachEngine((engine) => {
  it.each([
    ["slow", -HOUR],
    ["fast", HOUR],
  ])("a run is looked at again in time where this server's clock is %s", async (key, skew) => {
    const { db } = await engine.open();
    const ctx = testContext(db, { now: () => new Date(Date.now() + skew) });
    const { candidate, deploy, runOf } = await readyProject(ctx, key);
    // Nobody listens there, so the start is tried again and again.
    const connection = { name: "hub", kind: "github", host: "127.0.0.1:1", allProjects: true } as const;
    await createConnection(ctx, { ...connection, plainHttp: true, allowPrivate: true });
    const workflow = { provider: "github", target: "deploy.yml", connection: "hub", ref: "main" } as const;
    const draft = { ...workflow, name: "hosted", repository: "acme/web" };
    await createWorkflow(ctx, { projectKey: key, draft });
    await changeEnvironment(ctx, { projectKey: key, name: "prod", change: { workflow: "hosted" } });
    const { taskId } = await runOf(await deploy(await candidate(1)));
    const runner = startTaskRunner<Context>({
      db,
      kinds: [carryOutRun],
      contextFor: () => ctx,
      log: pino({ level: "silent" }),
      leaseMillis: 5_000,
      pollMillis: 100,
    });
    try {
      await runner.idle();
      const { run_at, state } = await readTask(db, taskId);
      expect(state).toBe("ready");
      expect(Math.abs(run_at - Date.now())).toBeLessThan(HOUR / 2);
    } finally {
      await runner.stop();
    }
  });
});
