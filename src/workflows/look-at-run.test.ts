import { sql } from "kysely";
import { beforeAll, describe, expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine, onPostgres } from "../../test/support/databases.ts";
import { readyProject } from "../../test/support/ready-project.ts";
import type { CiProvider } from "../connectors/ci-providers/ci-provider.ts";
import { ExternalSystemError } from "../kernel/errors.ts";
import { type Context, inTransaction } from "../context.ts";
import { callOff, cancelDeployment } from "../deployments/cancel-deployment.ts";
import { getDeployment } from "../deployments/get-deployment.ts";
import { reportDeployment } from "../deployments/report-deployment.ts";
import { lockEnvironment } from "../environments/environment-store.ts";
import { endRun } from "./end-run.ts";
import { lookAtRun } from "./look-at-run.ts";
import type { RunLook } from "./run-look.ts";
import { changeRun, type RunEntry } from "./workflow-run-store.ts";

const MINUTE = 60_000;

/** A CI system outside that starts nothing and knows nothing, unless it is told otherwise. */
const outside = (answers: Partial<CiProvider> = {}): CiProvider => ({
  canFind: true,
  startRepeats: false,
  start: async () => {
    throw new Error("nothing is to be started here");
  },
  find: async () => ({ kind: "none" }),
  read: async () => null,
  cancel: async () => "over",
  ...answers,
});

const away = async (): Promise<never> => {
  throw new ExternalSystemError("CI does not answer", { system: "CI", retryable: true });
};

function lookOf(ctx: Context, run: RunEntry, now: Date = ctx.now()): RunLook {
  return {
    ctx,
    run,
    now,
    request: {
      id: run.id,
      label: "",
      workflow: run.target,
      repository: run.repository,
      ref: run.ref,
      inputs: run.inputs,
      releaseJson: "{}",
      intendedAt: run.intendedAt,
    },
    timeLimitMillis: 60 * MINUTE,
    signal: new AbortController().signal,
    commit: (work) => inTransaction(ctx, work),
  };
}

const after = (date: Date | null, millis: number): Date => new Date((date?.getTime() ?? 0) + millis);

eachEngine((engine) => {
  describe("a look at a run", () => {
    let ctx: Context;
    beforeAll(async () => {
      ctx = testContext((await engine.open()).db);
    });

    it("starts nothing for a deployment that was reported to have ended", async () => {
      const { candidate, deploy, runOf } = await readyProject(ctx, "ended");
      const version = await candidate(1);
      const deployment = await deploy(version);
      await reportDeployment(ctx, {
        project: { key: "ended" },
        environment: "prod",
        version,
        status: "failure",
        message: "",
      });
      expect(await lookAtRun(lookOf(ctx, await runOf(deployment)), outside())).toBeNull();
      expect(await runOf(deployment)).toMatchObject({ state: "ended", sentAt: null });
      expect(await getDeployment(ctx, deployment.number)).toMatchObject({ status: "failure" });
    });

    it("ends the program that it started before a crash, though it was called off meanwhile", async () => {
      const { candidate, deploy, runOf } = await readyProject(ctx, "crashed");
      const deployment = await deploy(await candidate(1));
      const { id } = await runOf(deployment);
      await changeRun(ctx.db, id, ["intended"], { state: "sent", sentAt: ctx.now() });
      await cancelDeployment(ctx, deployment.number);
      const asked: string[] = [];
      const provider = outside({
        startRepeats: true,
        find: async (request) => ({ kind: "run", run: request.id, url: null }),
        read: async () => ({
          state: asked.length > 0 ? "canceled" : "running",
          attempt: 1,
          url: null,
          text: "",
          isOurs: true,
          showsId: true,
          startedAt: null,
          endedAt: null,
        }),
        cancel: async (run) => {
          asked.push(run);
          return "asked";
        },
      });
      let next: Date | null = ctx.now();
      for (let looks = 0; next !== null && looks < 20; looks += 1)
        next = await lookAtRun(lookOf(ctx, await runOf(deployment)), provider);
      expect(asked).toEqual([id]);
      expect(await getDeployment(ctx, deployment.number)).toMatchObject({ status: "canceled" });
    });

    it.each([
      ["cannot be asked", outside({ read: away, cancel: away })],
      ["is known no more", outside({ cancel: away })],
    ])("does not wait for the time limit when a run that was called off %s", async (what, provider) => {
      const { candidate, deploy, runOf } = await readyProject(ctx, what.replaceAll(" ", "-"));
      const deployment = await deploy(await candidate(1));
      const { id } = await runOf(deployment);
      await changeRun(ctx.db, id, ["intended"], {
        state: "started",
        providerRun: `run of ${id}`,
        startedAt: ctx.now(),
      });
      await cancelDeployment(ctx, deployment.number);
      const { cancelAskedAt } = await runOf(deployment);
      for (const minutes of [0, 1, 2, 3])
        await lookAtRun(
          lookOf(ctx, await runOf(deployment), after(cancelAskedAt, minutes * MINUTE)),
          provider,
        );
      expect(await runOf(deployment)).toMatchObject({ state: "ended" });
      expect(await getDeployment(ctx, deployment.number)).toMatchObject({ status: "canceled" });
    });

    it("looks for a run that was called off for a minute when its provider cannot be asked", async () => {
      const { candidate, deploy, runOf } = await readyProject(ctx, "unasked");
      const deployment = await deploy(await candidate(1));
      const { id } = await runOf(deployment);
      const sentAt = after(ctx.now(), -5 * MINUTE);
      await changeRun(ctx.db, id, ["intended"], { state: "accepted", sentAt });
      await cancelDeployment(ctx, deployment.number);
      const { cancelAskedAt } = await runOf(deployment);
      const provider = outside({ find: away });
      const lookAfter = async (millis: number): Promise<Date | null> =>
        lookAtRun(lookOf(ctx, await runOf(deployment), after(cancelAskedAt, millis)), provider);
      expect(await lookAfter(1_000)).toBeInstanceOf(Date);
      expect(await getDeployment(ctx, deployment.number)).toMatchObject({ status: "canceling" });
      expect(await lookAfter(MINUTE)).toBeNull();
      expect(await getDeployment(ctx, deployment.number)).toMatchObject({ status: "canceled" });
    });
  });
});

onPostgres((engine) => {
  it("a run that ends while its deployment is called off waits for that, and neither begins anew", async () => {
    const { db } = await engine.open();
    const ctx = testContext(db);
    const { candidate, deploy, runOf, prod } = await readyProject(ctx, "both");
    const deployment = await deploy(await candidate(1));
    const run = await runOf(deployment);
    await changeRun(db, run.id, ["intended"], { state: "started", providerRun: "1" });
    const begun: string[] = [];
    const locked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const callingOff = inTransaction(ctx, async (tx) => {
      begun.push("call off");
      const environment = await lockEnvironment(tx.db, prod.id);
      locked.resolve();
      await goOn.promise;
      await callOff(tx, environment, await getDeployment(tx, deployment.number), "");
    });
    await locked.promise;
    const ending = inTransaction(ctx, async (tx) => {
      begun.push("end");
      await endRun(tx, run, "success", "");
    });
    await untilSomebodyWaits(ctx);
    goOn.resolve();
    await Promise.all([callingOff, ending]);
    expect(begun).toEqual(["call off", "end"]);
    expect(await getDeployment(ctx, deployment.number)).toMatchObject({ status: "success" });
  });
});

/** Waits until a transaction waits for the lock of another one. */
async function untilSomebodyWaits({ db }: Context): Promise<void> {
  for (;;) {
    const { rows } = await sql`select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
