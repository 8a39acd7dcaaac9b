import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import {
  HOUR,
  latch,
  leaveMark,
  markOf,
  plainKind,
  plainRequest,
  reaches,
  readMarks,
  readTask,
  taskRunners,
} from "../../test/support/task-runners.ts";
import type { Database } from "../storage/database.ts";
import { enqueue } from "./task-queue.ts";
import type { TaskRun } from "./task.ts";

const now = () => new Date();

/** What another runner does to the row when it takes a task over. */
const takeOver = async (db: Database, id: string): Promise<void> => {
  await db
    .updateTable("tasks")
    .set(({ eb }) => ({
      fence: eb("fence", "+", 1),
      lease_owner: "another runner",
      leased_until: Date.now() + HOUR,
    }))
    .where("id", "=", id)
    .execute();
};

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);

  describe("a run whose task was taken over", () => {
    /** Starts a task, takes it over in the middle, lets it go on, and tells what became of its write. */
    async function writeLate(
      write: (task: TaskRun, until: () => Promise<void>, db: Database) => Promise<unknown>,
    ) {
      const { db } = await open();
      const begun = latch();
      const go = latch();
      const outcome = latch<string>();
      const until = () => {
        begun.resolve();
        return go.promise;
      };
      start(
        db,
        [
          plainKind(async (task) => {
            await write(task, until, db).then(
              () => outcome.resolve("written"),
              (error: unknown) => outcome.resolve(error instanceof Error ? error.name : "?"),
            );
          }),
        ],
        // No renewal meanwhile: only the condition on the write itself is left to refuse it.
        { leaseMillis: HOUR, pollMillis: HOUR },
      );
      const id = await enqueue(db, now(), plainRequest);
      await begun.promise;
      await takeOver(db, id);
      go.resolve();
      const name = await outcome.promise;
      return { db, id, name };
    }

    it("cannot log a step", async () => {
      const { db, name } = await writeLate((task, until) => task.step("a", until));
      expect(name).toBe("LeaseLostError");
      expect(await db.selectFrom("task_steps").selectAll().execute()).toEqual([]);
    });

    it("cannot commit with a step", async () => {
      const { db, name } = await writeLate((task, until) =>
        task.step("a", until, (tx) => leaveMark(tx, "late")),
      );
      expect(name).toBe("LeaseLostError");
      expect(await readMarks(db)).toEqual([]);
      expect(await db.selectFrom("task_steps").selectAll().execute()).toEqual([]);
    });

    it("cannot commit many steps with what goes with them", async () => {
      const { db, name } = await writeLate(async (task, until) => {
        const step = task.manySteps<string>((builder, results) =>
          results.map((mark) => markOf(builder, mark)),
        );
        const steps = ["a", "b"].map((one) =>
          step(one, async () => {
            await until();
            return one;
          }),
        );
        await Promise.all(steps);
      });
      expect(name).toBe("LeaseLostError");
      expect(await readMarks(db)).toEqual([]);
      expect(await db.selectFrom("task_steps").selectAll().execute()).toEqual([]);
    });

    it("cannot commit a transaction", async () => {
      const { db, name } = await writeLate(async (task, until) => {
        await until();
        await task.transaction((tx) => leaveMark(tx, "late"));
      });
      expect(name).toBe("LeaseLostError");
      expect(await readMarks(db)).toEqual([]);
    });

    it("cannot go to sleep, nor end the task", async () => {
      const { db, id, name } = await writeLate(async (task, until) => {
        task.progress("late");
        await until();
        await task.sleepUntil("late", new Date(0));
      });
      expect(name).toBe("LeaseLostError");
      await pause(50);
      expect(await readTask(db, id)).toMatchObject({
        state: "running",
        fence: 2,
        lease_owner: "another runner",
      });
    });
  });

  describe("a lease", () => {
    it("is renewed for as long as the run takes", async () => {
      const { db } = await open();
      let runs = 0;
      start(
        db,
        [
          plainKind(async () => {
            runs += 1;
            await pause(1_500);
          }),
        ],
        { leaseMillis: 600, pollMillis: 50 },
      );
      const id = await enqueue(db, now(), plainRequest);
      expect((await reaches(db, id, "done")).fence).toBe(1);
      expect(runs).toBe(1);
    });

    it("that is lost aborts the run's signal, and the run does not end the task", async () => {
      const { db } = await open();
      const begun = latch();
      const aborted = latch<unknown>();
      start(
        db,
        [
          plainKind(async (task) => {
            begun.resolve();
            await new Promise<void>((resolve) =>
              task.signal.addEventListener("abort", () => {
                aborted.resolve(task.signal.reason);
                resolve();
              }),
            );
          }),
        ],
        { leaseMillis: 300 },
      );
      const id = await enqueue(db, now(), plainRequest);
      await begun.promise;
      await takeOver(db, id);
      expect(String(await aborted.promise)).toMatch(/lease of the task was lost/);
      await pause(50);
      expect(await readTask(db, id)).toMatchObject({ state: "running", lease_owner: "another runner" });
    });

    it("that ran out is taken back, and the task runs again with its attempt unchanged", async () => {
      const { db } = await open();
      const id = await enqueue(db, now(), plainRequest);
      const runner = start(db, [plainKind(async () => {})]);
      await runner.stop();
      await db
        .updateTable("tasks")
        .set({ state: "running", lease_owner: "a dead runner", leased_until: Date.now() - 1, fence: 7 })
        .execute();
      start(db, [plainKind(async (task) => void (await task.step("a", async () => task.attempt)))]);
      expect(await reaches(db, id, "done")).toMatchObject({ attempt: 1, fence: 8 });
    });

    it("lost again and again, without a finished step between, is taken up ever more rarely", async () => {
      const { db } = await open();
      const id = await enqueue(db, now(), plainRequest);
      let ran = 0;
      for (const [lost, seconds] of [
        [5, 4],
        [10, 128],
        [5_000, 300],
      ] as const) {
        await db
          .updateTable("tasks")
          .set({
            state: "running",
            lease_owner: "a dead runner",
            leased_until: Date.now() - 1,
            lost_runs: lost,
          })
          .execute();
        const before = Date.now();
        const again = start(db, [plainKind(async () => void (ran += 1))]);
        await again.idle();
        await again.stop();
        const task = await readTask(db, id);
        expect(task).toMatchObject({ state: "ready", lost_runs: lost + 1 });
        expect(task.run_at - before).toBeGreaterThanOrEqual(seconds * 1_000 - 100);
        expect(task.run_at - Date.now()).toBeLessThanOrEqual(seconds * 1_000 + 100);
      }
      expect(ran).toBe(0);
    });

    it("that passed unnoticed is good again when nobody took the task meanwhile", async () => {
      const { db } = await open();
      const begun = latch();
      const go = latch();
      const runner = start(db, [
        plainKind(async () => {
          begun.resolve();
          await go.promise;
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await begun.promise;
      await db
        .updateTable("tasks")
        .set({ leased_until: Date.now() - 60_000 })
        .execute();
      // Makes the runner look for leases that ran out.
      await enqueue(db, now(), plainRequest);
      go.resolve();
      await runner.idle();
      expect(await readTask(db, id)).toMatchObject({ state: "done", fence: 1 });
    });
  });

  describe("at the start of a runner", () => {
    it("the leases of the embedded database are taken back at once; on a shared one others may hold them", async () => {
      const { db } = await open();
      const id = await enqueue(db, now(), plainRequest);
      await db
        .updateTable("tasks")
        .set({ state: "running", lease_owner: "before", leased_until: Date.now() + HOUR, fence: 1 })
        .execute();
      await start(db, [plainKind(async () => {})]).idle();
      expect((await readTask(db, id)).state).toBe(engine.kind === "embedded" ? "done" : "running");
    });
  });

  describe("several runners", () => {
    it("share the tasks: each runs once", async () => {
      const { db } = await open();
      const runs: string[] = [];
      const kind = plainKind(async (task) => {
        runs.push(task.id);
        await pause(5);
      });
      const runners = [start(db, [kind]), start(db, [kind]), start(db, [kind])];
      for (const runner of runners) await runner.idle();
      const ids = await Promise.all(Array.from({ length: 60 }, () => enqueue(db, now(), plainRequest)));
      for (const id of ids) await reaches(db, id, "done");
      expect(runs.toSorted()).toEqual(ids.toSorted());
    });
  });
});
