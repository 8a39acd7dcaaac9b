import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { eachEngine } from "../../test/support/databases.ts";
import {
  latch,
  makeDue,
  reaches,
  readTask,
  repeatLater,
  type TaskContext,
  taskRunners,
} from "../../test/support/task-runners.ts";
import { DatabaseAwayError, DomainError } from "../kernel/errors.ts";
import { runTransaction } from "../storage/transaction.ts";
import { readTaskMetrics } from "./task-metrics.ts";
import { enqueue } from "./task-queue.ts";
import { defineTask, type TaskEnd, type TaskKind, type TaskRun } from "./task.ts";

const now = () => new Date();

/** A kind whose runs do what the test says. */
const kindOf = (
  run: (task: TaskRun, payload: { readonly text: string }, ctx: TaskContext) => Promise<void>,
  parts: Partial<TaskKind<{ readonly text: string }, TaskContext>> = {},
) =>
  defineTask<{ readonly text: string }, TaskContext>({
    name: "test",
    version: 1,
    payload: z.object({ text: z.string() }),
    maxAttempts: 3,
    concurrency: 4,
    run: (ctx, payload, task) => run(task, payload, ctx),
    ...parts,
  });
const request = { kind: "test", version: 1, payload: { text: "hello" } };

/** Remembers how tasks ended, in the database, as a kind does with its own rows. */
const remembersEnd = {
  onEnd: async (ctx: TaskContext, payload: { readonly text: string }, end: TaskEnd) => {
    await ctx.db
      .insertInto("settings")
      .values({ name: payload.text, value: `${end.state}: ${end.error}` })
      .execute();
  },
};

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);
  const ends = (db: TaskContext["db"]) => db.selectFrom("settings").select(["name", "value"]).execute();

  describe("a task", () => {
    it("runs once with its payload, and is done", async () => {
      const { db } = await open();
      const payloads: unknown[] = [];
      const runner = start(db, [
        kindOf(async (task, payload) => void payloads.push([payload, task.attempt])),
      ]);
      const id = await enqueue(db, now(), request);
      expect((await reaches(db, id, "done")).error).toBeNull();
      await runner.idle();
      expect(payloads).toEqual([[{ text: "hello" }, 1]]);
    });

    it("of a transaction that is rolled back never was", async () => {
      const { db } = await open();
      await runTransaction(db, async (tx) => {
        await enqueue(tx, now(), request);
        throw new Error("no");
      }).catch(() => undefined);
      expect(await db.selectFrom("tasks").selectAll().execute()).toEqual([]);
    });

    it("waits for its moment", async () => {
      const { db } = await open();
      const runner = start(db, [kindOf(async () => {})]);
      const id = await enqueue(db, now(), { ...request, runAt: new Date(Date.now() + 3_600_000) });
      await runner.idle();
      expect((await readTask(db, id)).state).toBe("ready");
      await makeDue(db, id);
      await reaches(db, id, "done");
    });

    it("runs outside of the transaction that woke the runner", async () => {
      const { db } = await open();
      start(
        db,
        [
          kindOf(async (task) =>
            task.transaction(async (tx) => void (await tx.selectFrom("settings").selectAll().execute())),
          ),
        ],
        { pollMillis: 3_600_000 },
      );
      const id = await runTransaction(db, (tx) => enqueue(tx, now(), request));
      expect((await reaches(db, id, "done")).attempt).toBe(1);
    });

    it("fails with a clear error, and at once, when its payload is garbage", async () => {
      const { db } = await open();
      start(db, [kindOf(async () => {}, remembersEnd)]);
      const wrong = await enqueue(db, now(), { ...request, payload: { text: 7 } });
      const none = await enqueue(db, now(), { ...request, payload: undefined });
      expect((await reaches(db, wrong, "failed")).error).toMatch(
        /payload of this task \(test, version 1\).*text/s,
      );
      expect((await reaches(db, none, "failed")).error).toMatch(/payload/);
      expect(await ends(db)).toEqual([]);
    });

    it("fails with a clear error when its payload is not even JSON", async () => {
      const { db } = await open();
      const id = await enqueue(db, now(), request);
      await db.updateTable("tasks").set({ payload_json: "{" }).execute();
      start(db, [kindOf(async () => {})]);
      expect((await reaches(db, id, "failed")).error).toMatch(/payload .* is not valid: .*JSON/);
    });

    it("of a kind or version that this process does not know stays ready and is counted", async () => {
      const { db } = await open();
      const other = await enqueue(db, now(), { ...request, kind: "other" });
      const newer = await enqueue(db, now(), { ...request, version: 2 });
      const known = await enqueue(db, now(), request);
      const kind = kindOf(async () => {});
      const runner = start(db, [kind]);
      await reaches(db, known, "done");
      await runner.idle();
      expect((await readTask(db, other)).state).toBe("ready");
      expect((await readTask(db, newer)).state).toBe("ready");
      const metrics = await readTaskMetrics(db, [kind]);
      expect(metrics.unknown).toEqual([
        { kind: "other", version: 1, count: 1 },
        { kind: "test", version: 2, count: 1 },
      ]);
      expect(metrics.counts).toEqual([
        { kind: "other", state: "ready", count: 1 },
        { kind: "test", state: "done", count: 1 },
        { kind: "test", state: "ready", count: 1 },
      ]);
      expect(metrics.oldestDueMillis).toBeGreaterThan(0);
    });

    it("does not run beside more of its kind than the kind allows", async () => {
      const { db } = await open();
      let atOnce = 0;
      let most = 0;
      const kind = kindOf(
        async (task) => {
          most = Math.max(most, (atOnce += 1));
          await task.step("a", async () => {});
          atOnce -= 1;
        },
        { concurrency: 2 },
      );
      for (let count = 0; count < 12; count += 1) await enqueue(db, now(), request);
      await start(db, [kind]).idle();
      expect(most).toBe(2);
      expect((await readTaskMetrics(db, [kind])).counts).toEqual([
        { kind: "test", state: "done", count: 12 },
      ]);
    });
  });

  describe("a task whose key is taken", () => {
    it("is not added: the live one's id comes back, also to two callers at once", async () => {
      const { db } = await open();
      const keyed = { ...request, key: "k" };
      const ids = await Promise.all(
        [1, 2, 3, 4].map(() => runTransaction(db, (tx) => enqueue(tx, now(), keyed))),
      );
      expect(new Set(ids).size).toBe(1);
      expect(await enqueue(db, now(), { ...request, key: "other" })).not.toBe(ids[0]);
    });

    it("is added once the other one has ended", async () => {
      const { db } = await open();
      const keyed = { ...request, key: "k" };
      const first = await enqueue(db, now(), keyed);
      await start(db, [kindOf(async () => {})]).idle();
      expect(await enqueue(db, now(), keyed)).not.toBe(first);
    });
  });

  describe("a run that fails", () => {
    it("is repeated until an attempt succeeds", async () => {
      const { db } = await open();
      const attempts: number[] = [];
      const runner = start(db, [
        kindOf(async (task) => {
          attempts.push(task.attempt);
          if (task.attempt < 3) throw repeatLater("surprise");
        }),
      ]);
      const id = await enqueue(db, now(), request);
      for (const attempt of [2, 3]) {
        await runner.idle();
        expect(await readTask(db, id)).toMatchObject({ state: "ready", attempt, error: "surprise" });
        await makeDue(db, id);
      }
      expect((await reaches(db, id, "done")).error).toBeNull();
      expect(attempts).toEqual([1, 2, 3]);
    });

    it("for the last time ends the task, together with what the kind says of it", async () => {
      const { db } = await open();
      start(db, [kindOf(() => Promise.reject(new Error("surprise")), { maxAttempts: 1, ...remembersEnd })]);
      const id = await enqueue(db, now(), request);
      expect((await reaches(db, id, "failed")).error).toBe("surprise");
      expect(await ends(db)).toEqual([{ name: "hello", value: "failed: surprise" }]);
    });

    it("because the database was away is no failure of the task, however often", async () => {
      const { db } = await open();
      let runs = 0;
      start(db, [
        kindOf(
          async (task) => {
            runs += 1;
            if (runs < 4) throw new DatabaseAwayError("PostgreSQL does not answer");
            expect(task.attempt).toBe(1);
          },
          { maxAttempts: 1 },
        ),
      ]);
      const id = await enqueue(db, now(), request);
      expect(await reaches(db, id, "done", "failed")).toMatchObject({
        state: "done",
        attempt: 1,
        error: null,
      });
      expect(runs).toBe(4);
    });

    it("by a refusal of the domain is not repeated", async () => {
      const { db } = await open();
      start(db, [kindOf(() => Promise.reject(new DomainError("RELEASE_NOT_FOUND")))]);
      const id = await enqueue(db, now(), request);
      expect(await reaches(db, id, "failed")).toMatchObject({ attempt: 1, error: "Unknown release" });
    });

    it("does not end before the kind has had its say, however often that throws", async () => {
      const { db } = await open();
      let said = 0;
      start(db, [
        kindOf(() => Promise.reject(new DomainError("RELEASE_NOT_FOUND")), {
          onEnd: async (ctx, payload, end) => {
            await remembersEnd.onEnd(ctx, payload, end);
            if ((said += 1) < 2) throw new Error("not yet");
          },
        }),
      ]);
      const id = await enqueue(db, now(), request);
      await reaches(db, id, "failed");
      expect(said).toBe(2);
      expect(await ends(db)).toHaveLength(1);
    });
  });

  describe("a runner that is stopped", () => {
    it("gives its tasks back at once, without counting an attempt", async () => {
      const { db } = await open();
      const begun = latch();
      const kind = kindOf(
        (task) =>
          new Promise((_, reject) => {
            begun.resolve();
            task.signal.addEventListener("abort", () => reject(task.signal.reason as Error));
          }),
      );
      const runner = start(db, [kind]);
      const id = await enqueue(db, now(), request);
      await begun.promise;
      await runner.stop();
      expect(await readTask(db, id)).toMatchObject({
        state: "ready",
        attempt: 1,
        lost_runs: 0,
        lease_owner: null,
      });
    });

    it("keeps what a step under way returns", async () => {
      const { db } = await open();
      const begun = latch();
      const runner = start(db, [
        kindOf(async (task) => {
          await task.step("slow", async () => {
            begun.resolve();
            await new Promise((resolve) => task.signal.addEventListener("abort", resolve));
            return "kept";
          });
          await task.step("next", async () => "never");
        }),
      ]);
      const id = await enqueue(db, now(), request);
      await begun.promise;
      await runner.stop();
      expect((await readTask(db, id)).state).toBe("ready");
      const steps = await db.selectFrom("task_steps").select(["name", "result_json"]).execute();
      expect(steps).toEqual([{ name: "slow", result_json: '"kept"' }]);
    });

    it("stops even when the database is gone, and before that tries on", async () => {
      const { db, close } = await engine.open();
      const begun = latch();
      const go = latch();
      const logged: string[] = [];
      const log = pino({ level: "error" }, { write: (line) => void logged.push(line) });
      const runner = start(
        db,
        [
          kindOf(async () => {
            begun.resolve();
            await go.promise;
          }),
        ],
        { log },
      );
      await enqueue(db, now(), request);
      await begun.promise;
      await close();
      go.resolve();
      while (!logged.some((line) => line.includes("could not be written"))) await pause(10);
      while (!logged.some((line) => line.includes("cannot be taken up"))) await pause(10);
      await expect(runner.stop()).resolves.toBeUndefined();
    });

    it("does not wait for ever for a run that does not heed its signal, which then can write nothing", async () => {
      const { db } = await open();
      const begun = latch();
      const go = latch();
      const outcome = latch<unknown>();
      const runner = start(
        db,
        [
          kindOf(async (task) => {
            begun.resolve();
            await go.promise;
            outcome.resolve(
              await task
                .step("late", async () => "no")
                .then(
                  () => "written",
                  (error: unknown) => error,
                ),
            );
          }),
        ],
        { graceMillis: 50 },
      );
      const id = await enqueue(db, now(), request);
      await begun.promise;
      await runner.stop();
      expect((await readTask(db, id)).state).toBe("ready");
      go.resolve();
      expect(await outcome.promise).toMatchObject({ name: "AbortError" });
      expect((await readTask(db, id)).state).toBe("ready");
    });
  });
});
