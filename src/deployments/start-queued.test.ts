import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { as } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type DeploymentScene, deploymentScene } from "../../test/support/deployment-scene.ts";
import { taskRunners } from "../../test/support/task-runners.ts";
import type { Context } from "../context.ts";
import { createFreeze } from "../environments/create-freeze.ts";
import { FreezeDraft } from "../environments/freeze-draft.ts";
import { liftFreeze } from "../environments/lift-freeze.ts";
import { liftBadMark, markBad } from "../releases/mark-bad.ts";
import type { TaskKind } from "../tasks/task.ts";
import type { Deployment } from "./deployment.ts";
import { holdVersion } from "./hold-version.ts";
import { liftHold } from "./lift-hold.ts";
import { startQueued } from "./start-queued.task.ts";

eachEngine((engine) => {
  const runners = taskRunners(engine);

  /** The clock of this process is this far from the database's, in milliseconds. */
  interface Skew {
    millis: number;
  }
  const withQueue = async (skew: Skew = { millis: 0 }) => {
    const { db } = await runners.open();
    const scene = await deploymentScene(db, { now: () => new Date(Date.now() + skew.millis) });
    await scene.addEnvironment("prod");
    for (const version of ["1.0-rc1", "1.0-rc2"]) await scene.candidate(version);
    const atWork = await scene.deploy("prod", "1.0-rc1");
    const waiting = await scene.deploy("prod", "1.0-rc2");
    const run = () =>
      runners.start(db, [startQueued as unknown as TaskKind<unknown, { db: typeof db }>], {
        contextFor: () => scene.ctx,
      });
    return { scene, atWork, waiting, run };
  };
  const freeze = (scene: DeploymentScene, draft: Record<string, unknown> = {}) =>
    createFreeze(
      scene.ctx,
      FreezeDraft.parse({
        name: `q-${scene.project.key}`,
        place: { project: scene.project.key },
        reason: "a test",
        ...draft,
      }),
    );
  const started = async (scene: DeploymentScene, waiting: Deployment): Promise<Deployment> => {
    for (;;) {
      const found = await scene.find(waiting);
      if (found.started) return found;
      await pause(20);
    }
  };
  const untilMillis = (scene: DeploymentScene, millis: number) => ({
    kind: "once",
    startsAt: "2026-01-01T00:00:00.000Z",
    endsAt: new Date(scene.ctx.now().getTime() + millis).toISOString(),
  });

  it.each([0, -1_500, 600])(
    "starts what a freeze kept when that ends by our clock, which is %d ms from the database's",
    async (millis) => {
      const { scene, atWork, waiting, run } = await withQueue({ millis });
      const { schedule } = await freeze(scene, { schedule: untilMillis(scene, 2_500) });
      run();
      await scene.ends(atWork, "success");
      expect(await scene.find(waiting)).toMatchObject({
        started: false,
        waitsFor: expect.stringContaining("frozen by"),
      });
      const { startedAt } = await started(scene, waiting);
      const endsAt = schedule.kind === "once" ? schedule.endsAt : new Date();
      expect(startedAt?.getTime()).toBeGreaterThanOrEqual(endsAt.getTime());
    },
  );

  it("waits again when the clock is set back across the edge", async () => {
    const skew: Skew = { millis: 0 };
    const { scene, atWork, waiting, run } = await withQueue(skew);
    const { schedule } = await freeze(scene, { schedule: untilMillis(scene, 1_000) });
    await scene.ends(atWork, "success");
    expect((await scene.find(waiting)).started).toBe(false);
    skew.millis = -2_000;
    run();
    const { startedAt } = await started(scene, waiting);
    const endsAt = schedule.kind === "once" ? schedule.endsAt : new Date();
    expect(startedAt?.getTime()).toBeGreaterThanOrEqual(endsAt.getTime());
  });

  it("starts at the next occasion when the clock is set forward across the edge", async () => {
    const skew: Skew = { millis: 0 };
    const { scene, atWork, waiting } = await withQueue(skew);
    await freeze(scene, { schedule: untilMillis(scene, 3_600_000) });
    await scene.ends(atWork, "success");
    expect((await scene.find(waiting)).started).toBe(false);
    skew.millis = 3_700_000;
    await scene.candidate("1.0-rc3");
    const next = await scene.deploy("prod", "1.0-rc3");
    expect(await scene.find(waiting)).toMatchObject({ started: true });
    expect(next.started).toBe(false);
  });

  it("keeps a forced one behind a freeze that begins later, and starts it when that is lifted", async () => {
    const { scene, atWork, run } = await withQueue();
    const before = await freeze(scene);
    const forced = await scene.deploy("prod", "1.0-rc1", { force: { reason: "must" } });
    expect(forced.forced).toEqual([{ rule: "freeze", subject: before.id }]);
    const later = await freeze(scene, { name: `l-${scene.project.key}` });
    await scene.ends(atWork, "success");
    expect((await scene.find(forced)).waitsFor).toBe(`frozen by ${later.name}: a test`);
    run();
    await liftFreeze(scene.ctx, later.id);
    await started(scene, forced);
  });

  it("starts what waits when a freeze, a mark or a hold is lifted", async () => {
    const lifts: readonly [
      (scene: DeploymentScene, waiting: Deployment) => Promise<unknown>,
      (of: Context, key: string) => Promise<unknown>,
    ][] = [
      [(scene) => freeze(scene), (of, name) => liftFreeze(of, `q-${name}`)],
      [
        (scene) => markBad(scene.ctx, { projectKey: scene.project.key, version: "1.0-rc2", reason: "leaks" }),
        (of, projectKey) => liftBadMark(of, { projectKey, version: "1.0-rc2" }),
      ],
      [
        async (scene, waiting) =>
          holdVersion(scene.ctx, await scene.environment("prod"), waiting, {
            ...waiting,
            version: "1.0-rc1",
          }),
        (of, projectKey) => liftHold(of, { projectKey, environment: "prod", version: "1.0-rc2" }),
      ],
    ];
    for (const [close, open] of lifts) {
      const { scene, atWork, waiting, run } = await withQueue();
      await close(scene, waiting);
      await scene.ends(atWork, "success");
      expect((await scene.find(waiting)).waitsFor).not.toBe("");
      run();
      await open(scene.ctx, scene.project.key);
      await started(scene, waiting);
    }
  });

  it("starts what waits for a promotion when that succeeds", async () => {
    const { scene, atWork, waiting, run } = await withQueue();
    await scene.addEnvironment("staging");
    await scene.ctx.db
      .updateTable("environments")
      .set({ promotion_from_id: (await scene.environment("staging")).id })
      .where("id", "=", (await scene.environment("prod")).id)
      .execute();
    await scene.ends(atWork, "success");
    expect((await scene.find(waiting)).waitsFor).toContain("has not succeeded in staging");
    run();
    await scene.ends(await scene.deploy("staging", "1.0-rc2"), "success");
    await started(scene, waiting);
  });

  it("asks a person's deployment as a person's when its turn comes", async () => {
    const { scene, atWork, waiting } = await withQueue();
    const person = as(scene.ctx, { userId: "u1", roles: { [scene.project.id]: "releaser" } });
    const theirs = await scene.deploy("prod", "1.0-rc2", { by: person });
    await holdVersion(scene.ctx, await scene.environment("prod"), waiting, {
      ...waiting,
      version: "1.0-rc1",
    });
    await scene.ends(atWork, "success");
    expect(await scene.find(waiting)).toMatchObject({ started: false });
    expect(await scene.find(theirs)).toMatchObject({ started: true });
  });
});
