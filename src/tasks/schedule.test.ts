import { describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import {
  HOUR,
  makeDue,
  readTask,
  repeatLater,
  type TaskContext,
  taskRunners,
} from "../../test/support/task-runners.ts";
import type { Database } from "../storage/database.ts";
import { removeEndedTasks } from "./remove-ended-tasks.ts";
import { defineRecurringTask } from "./schedule.ts";
import { enqueue, sendSignal } from "./task-queue.ts";
import type { TaskRun } from "./task.ts";

const now = () => new Date();
const hourly = (run: (task: TaskRun) => Promise<void>) =>
  defineRecurringTask<TaskContext>({ name: "hourly", everyMillis: HOUR, run: (_ctx, task) => run(task) });
const allTasks = (db: Database) => db.selectFrom("tasks").selectAll().execute();

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);

  describe("a recurring task", () => {
    it("is there once, however many runners start, and runs again when its time has passed", async () => {
      const { db } = await open();
      let ran = 0;
      const kind = hourly(async (task) => void (await task.step("a", async () => (ran += 1))));
      const first = start(db, [kind]);
      await first.idle();
      await first.stop();
      const runner = start(db, [kind]);
      await runner.idle();
      const [task, ...others] = await allTasks(db);
      expect(others).toEqual([]);
      expect(task).toMatchObject({ state: "ready", attempt: 1, error: null, ended_at: null });
      expect(task?.run_at).toBeGreaterThan(Date.now() + HOUR - 60_000);
      expect(ran).toBe(1);
      await makeDue(db, task?.id ?? "");
      await runner.idle();
      expect(ran).toBe(2);
      expect(await allTasks(db)).toHaveLength(1);
    });

    it("that fails for good keeps its error and runs again all the same", async () => {
      const { db } = await open();
      let fails = true;
      const runner = start(db, [
        hourly(() => (fails ? Promise.reject(repeatLater("disk full")) : Promise.resolve())),
      ]);
      await runner.idle();
      const id = (await allTasks(db))[0]?.id ?? "";
      for (const attempt of [2, 3, 1]) {
        expect(await readTask(db, id)).toMatchObject({ state: "ready", attempt, error: "disk full" });
        if (attempt === 1) fails = false;
        await makeDue(db, id);
        await runner.idle();
      }
      expect(await readTask(db, id)).toMatchObject({ state: "ready", attempt: 1, error: null });
    });
  });

  describe("the retention of ended tasks", () => {
    it("removes what ended more than 7 days ago, with steps and signals, and nothing else", async () => {
      const { db } = await open();
      const ids: string[] = [];
      for (const [state, daysAgo] of [
        ["done", 8],
        ["failed", 8],
        ["cancelled", 6],
        ["ready", null],
        ["waiting", null],
      ] as const) {
        const id = await enqueue(db, new Date(0), { kind: state, version: 1, payload: null });
        await sendSignal(db, now(), id, "s", null);
        await db.insertInto("task_steps").values({ task_id: id, name: "a", state: "done" }).execute();
        const ended_at = daysAgo === null ? null : Date.now() - daysAgo * 24 * HOUR;
        await db.updateTable("tasks").set({ state, ended_at }).where("id", "=", id).execute();
        ids.push(id);
      }
      await removeEndedTasks.run({ db, now }, null, { signal: new AbortController().signal } as TaskRun);
      const kept = (await allTasks(db)).map((task) => task.id);
      expect(kept.toSorted()).toEqual(ids.slice(2).toSorted());
      const steps = await db.selectFrom("task_steps").select("task_id").execute();
      const signals = await db.selectFrom("task_signals").select("task_id").execute();
      expect(steps.map((row) => row.task_id).toSorted()).toEqual(ids.slice(2).toSorted());
      expect(signals.map((row) => row.task_id).toSorted()).toEqual(ids.slice(2).toSorted());
    });
  });
});
