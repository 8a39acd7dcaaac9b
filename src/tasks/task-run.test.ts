import { describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import {
  latch,
  leaveMark,
  markOf,
  makeDue,
  plainKind,
  plainRequest,
  reaches,
  readMarks,
  readTask,
  repeatLater,
  taskRunners,
} from "../../test/support/task-runners.ts";
import { enqueue } from "./task-queue.ts";

const now = () => new Date();

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);

  describe("a step", () => {
    it("that is done is not repeated when the task is, and returns what it returned", async () => {
      const { db } = await open();
      const seen: unknown[] = [];
      let ran = 0;
      const runner = start(db, [
        plainKind(async (task) => {
          seen.push(await task.step("a", async () => ({ ran: (ran += 1), at: new Date(0) })));
          seen.push(await task.step("nothing", async () => {}));
          if (task.attempt === 1) throw repeatLater("after the steps");
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      await makeDue(db, id);
      await reaches(db, id, "done");
      const once = [{ ran: 1, at: "1970-01-01T00:00:00.000Z" }, undefined];
      expect(seen).toEqual([...once, ...once]);
    });

    it("of many is written with others, and each only once when the task is repeated", async () => {
      const { db } = await open();
      const asked: string[] = [];
      const runner = start(db, [
        plainKind(async (task) => {
          const step = task.manySteps<string>((builder, results) =>
            results.map((mark) => markOf(builder, mark)),
          );
          const names = Array.from({ length: 20 }, (_, index) => `step ${index}`);
          const ended = names.map((name) =>
            step(name, async () => {
              asked.push(name);
              if (task.attempt === 1 && name === "step 7") throw repeatLater("not this one yet");
              return name;
            }),
          );
          await Promise.allSettled(ended);
          await Promise.all(ended);
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      await makeDue(db, id);
      await reaches(db, id, "done");
      expect(asked).toHaveLength(21);
      expect((await readMarks(db)).toSorted()).toEqual(asked.slice(0, 20).toSorted());
    });

    it("that fails is not in the log, and its commit writes nothing", async () => {
      const { db } = await open();
      let tries = 0;
      const runner = start(db, [
        plainKind(async (task) => {
          await task.step(
            "a",
            async () => (tries += 1),
            async (tx, result) => {
              await leaveMark(tx, `committed ${result}`);
              if (result === 1) throw repeatLater("not this time");
            },
          );
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      expect(await readMarks(db)).toEqual([]);
      expect(await db.selectFrom("task_steps").selectAll().execute()).toEqual([]);
      await makeDue(db, id);
      await reaches(db, id, "done");
      expect(await readMarks(db)).toEqual(["committed 2"]);
    });

    it("may run beside others; one that fails leaves the others' results", async () => {
      const { db } = await open();
      const ran: string[] = [];
      const both = latch();
      const runner = start(db, [
        plainKind(async (task) => {
          const step = (name: string, work: () => Promise<void>) =>
            task.step(name, async () => {
              ran.push(name);
              await work();
            });
          await Promise.all([
            step("fails", () => (task.attempt === 1 ? Promise.reject(repeatLater("no")) : Promise.resolve())),
            step("waits for the third", () => both.promise),
            step("third", async () => both.resolve()),
          ]);
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      await makeDue(db, id);
      await reaches(db, id, "done");
      expect(ran).toEqual(["fails", "waits for the third", "third", "fails"]);
    });

    it("begins no more in a branch that goes on after the run has failed", async () => {
      const { db } = await open();
      const go = latch();
      const late = latch<unknown>();
      const runner = start(db, [
        plainKind(async (task) => {
          const branch = go.promise.then(() => task.step("late", async () => {}));
          branch.then(late.resolve, late.resolve);
          throw repeatLater("failed meanwhile");
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      go.resolve();
      expect(String(await late.promise)).toMatch(/has ended/);
      expect((await readTask(db, id)).state).toBe("ready");
    });

    it("of a name that was used is an error", async () => {
      const { db } = await open();
      const runner = start(db, [
        plainKind(async (task) => {
          await task.step("a", async () => {});
          await task.step("a", async () => {});
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      expect((await readTask(db, id)).error).toMatch(/name a twice/);
    });
  });

  describe("progress", () => {
    it("shows the last value, also the one told just before the end", async () => {
      const { db } = await open();
      const shown = latch();
      start(db, [
        plainKind(async (task) => {
          for (let part = 0; part <= 500; part += 1) task.progress({ part });
          await shown.promise;
          task.progress({ part: "last" });
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      const progress = async () => (await readTask(db, id)).progress_json;
      while ((await progress()) === null) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await progress()).toBe('{"part":500}');
      shown.resolve();
      await reaches(db, id, "done");
      expect(await progress()).toBe('{"part":"last"}');
    });
  });
});
