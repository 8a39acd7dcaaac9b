import { describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import {
  HOUR,
  latch,
  leaveMark,
  makeDue,
  plainKind,
  plainRequest,
  reaches,
  readMarks,
  readTask,
  taskRunners,
} from "../../test/support/task-runners.ts";
import { enqueue, hasten, sendSignal } from "./task-queue.ts";

const now = () => new Date();

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);

  describe("a task that sleeps", () => {
    it("holds nothing meanwhile, and goes on at the moment that was first given", async () => {
      const { db } = await open();
      let runs = 0;
      const runner = start(db, [
        plainKind(async (task) => {
          runs += 1;
          await task.sleepUntil("until tomorrow", new Date(Date.now() + 24 * HOUR * runs));
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      const asleep = await readTask(db, id);
      expect(asleep).toMatchObject({ state: "ready", attempt: 1, lease_owner: null, leased_until: null });
      expect(asleep.run_at).toBeGreaterThan(Date.now() + 23 * HOUR);
      // Woken early, it sleeps on until the same moment.
      await makeDue(db, id);
      await runner.idle();
      expect(runs).toBe(2);
      expect((await readTask(db, id)).run_at).toBe(asleep.run_at);
      await db.updateTable("task_steps").set({ wake_at: 0 }).execute();
      await makeDue(db, id);
      await reaches(db, id, "done");
    });

    it("does not sleep when it was hastened while it ran", async () => {
      const { db } = await open();
      let runs = 0;
      const runner = start(db, [
        plainKind(async (task) => {
          runs += 1;
          if (runs === 1) await hasten(db, task.id);
          await task.beginAgainIn(HOUR);
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      expect(runs).toBe(2);
      expect((await readTask(db, id)).run_at).toBeGreaterThan(Date.now() + HOUR / 2);
    });

    it("is woken by an exact timer, without any poll", async () => {
      const { db } = await open();
      let at = 0;
      start(
        db,
        [
          plainKind(async (task) => {
            at ||= Date.now() + 300;
            await task.sleepUntil("briefly", new Date(at));
          }),
        ],
        { pollMillis: HOUR, leaseMillis: HOUR },
      );
      const id = await enqueue(db, now(), plainRequest);
      await reaches(db, id, "done");
      expect(Date.now()).toBeGreaterThanOrEqual(at);
    });

    it("goes straight on when the moment has passed", async () => {
      const { db } = await open();
      let runs = 0;
      start(db, [
        plainKind(async (task) => {
          runs += 1;
          await task.sleepUntil("past", new Date(0));
        }),
      ]);
      await reaches(db, await enqueue(db, now(), plainRequest), "done");
      expect(runs).toBe(1);
    });

    it("sleeps even when its code catches what leaves the run", async () => {
      const { db } = await open();
      const runner = start(db, [
        plainKind(async (task) => {
          await task.sleepUntil("long", new Date(Date.now() + HOUR)).catch(() => {});
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      expect((await readTask(db, id)).state).toBe("ready");
    });
  });

  describe("a task that waits", () => {
    it("goes on with the first signal of the name", async () => {
      const { db } = await open();
      const got: unknown[] = [];
      const runner = start(db, [plainKind(async (task) => void got.push(await task.waitFor("decision")))]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      expect(await readTask(db, id)).toMatchObject({ state: "waiting", lease_owner: null });
      expect(await sendSignal(db, now(), id, "other", 0)).toBe(true);
      await runner.idle();
      expect((await readTask(db, id)).state).toBe("waiting");
      await sendSignal(db, now(), id, "decision", { approved: true });
      await sendSignal(db, now(), id, "decision", { approved: false });
      await reaches(db, id, "done");
      expect(got).toEqual([{ approved: true }]);
      expect(await sendSignal(db, now(), id, "decision", null)).toBe(false);
    });

    it("does not miss a signal that came before it waited, or while its run was being left", async () => {
      const { db } = await open();
      const got: unknown[] = [];
      const begun = latch();
      const go = latch();
      start(
        db,
        [
          plainKind(async (task) => {
            got.push(await task.waitFor("early"));
            // Left, but not yet written: the run waits for its last step.
            const slow = task.step("slow", async () => {
              begun.resolve();
              await go.promise;
            });
            got.push((await Promise.all([task.waitFor("late"), slow]))[0]);
          }),
        ],
        { pollMillis: HOUR, leaseMillis: HOUR },
      );
      const id = await enqueue(db, now(), { ...plainRequest, runAt: new Date(Date.now() + HOUR) });
      await sendSignal(db, now(), id, "early", 1);
      await makeDue(db, id);
      await enqueue(db, now(), { ...plainRequest, kind: "wakes the runner" });
      await begun.promise;
      await sendSignal(db, now(), id, "late", 2);
      go.resolve();
      await reaches(db, id, "done");
      expect(got.at(-1)).toBe(2);
    });

    it("may wait for several signals at once", async () => {
      const { db } = await open();
      let got: unknown;
      const runner = start(db, [
        plainKind(async (task) => {
          got = await Promise.all([task.waitFor("a"), task.waitFor("b")]);
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      await sendSignal(db, now(), id, "b", "B");
      await runner.idle();
      expect((await readTask(db, id)).state).toBe("waiting");
      await sendSignal(db, now(), id, "a", "A");
      await reaches(db, id, "done");
      expect(got).toEqual(["A", "B"]);
    });

    it("or sleeps goes on after a restart", async () => {
      const first = await engine.open();
      const kind = () =>
        plainKind(async (task) => {
          await task.step("before", () => leaveMark(task2db(), "once"));
          await task.sleepUntil("nap", new Date(Date.now() + HOUR));
          await task.waitFor("go");
        });
      let current = first.db;
      const task2db = () => current;
      const runner = start(first.db, [kind()]);
      const id = await enqueue(first.db, now(), plainRequest);
      await runner.idle();
      await runner.stop();

      const second = await first.reopen();
      current = second.db;
      await second.db.updateTable("task_steps").set({ wake_at: 0 }).where("name", "=", "nap").execute();
      await makeDue(second.db, id);
      const again = start(second.db, [kind()]);
      await reaches(second.db, id, "waiting");
      await again.stop();

      const third = await second.reopen();
      await sendSignal(third.db, now(), id, "go", null);
      const last = start(third.db, [kind()]);
      await reaches(third.db, id, "done");
      expect(await readMarks(third.db)).toEqual(["once"]);
      await last.stop();
    });
  });
});
