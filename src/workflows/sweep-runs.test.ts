import { readdir } from "node:fs/promises";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type ProgramScene, programScene } from "../../test/support/programs.ts";
import { openCiProviders } from "../connectors/ci-providers/open-ci-providers.ts";
import type { Context } from "../context.ts";
import { startTaskRunner } from "../tasks/task-runner.ts";
import { sweepRunsTask } from "./sweep-runs.task.ts";

const DAY_MILLIS = 86_400_000;

describe("the daily sweep of old runs", () => {
  let scene: ProgramScene;
  beforeAll(async () => {
    scene = await programScene({ quick: { script: "exit 0" } });
  });
  afterAll(() => scene.remove());

  eachEngine((engine) => {
    async function sweep(command: ProgramScene["provider"] | null, days: number): Promise<string> {
      const { db } = await engine.open();
      const plain = testContext(db);
      const ctx: Context = {
        ...plain,
        connectors: { ...plain.connectors, ciProviders: openCiProviders({ command }) },
        now: () => new Date(Date.now() + days * DAY_MILLIS),
      };
      const log = pino({ level: "silent" });
      const runner = startTaskRunner<Context>({ db, contextFor: () => ctx, kinds: [sweepRunsTask], log });
      try {
        for (;;) {
          const [row] = await db.selectFrom("tasks").selectAll().execute();
          // One that has ended is made ready for the next day.
          if (row && Number(row.run_at) > Date.now() + DAY_MILLIS / 2) return row.error ?? "";
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      } finally {
        await runner.stop();
      }
    }

    it("removes what ended more than 30 days ago, at the program's start, and keeps the rest", async () => {
      const request = scene.request("quick");
      await scene.runToEnd(request);
      expect(await sweep(scene.provider, 1)).toBe("");
      expect(await readdir(scene.provider.runsDirectory)).toContain(request.id);
      expect(await sweep(scene.provider, 31)).toBe("");
      expect(await readdir(scene.provider.runsDirectory)).not.toContain(request.id);
    });

    it("has nothing to do where programs are switched off", async () => {
      expect(await sweep(null, 31)).toBe("");
    });
  });
});
