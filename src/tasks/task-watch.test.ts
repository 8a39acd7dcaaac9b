import { describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { latch, plainKind, plainRequest, reaches, taskRunners } from "../../test/support/task-runners.ts";
import { readTaskMetrics } from "./task-metrics.ts";
import { enqueue } from "./task-queue.ts";
import type { TaskWatch } from "./task-watch.ts";

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);

  /** A watch that keeps what it is told. */
  const keptWatch = () => {
    const runs: string[] = [];
    const told = { runs, takenBack: 0 };
    const watch: TaskWatch = {
      ran: (kind, end, seconds) => void runs.push(`${kind} ${end} ${seconds >= 0}`),
      takenBack: (count) => void (told.takenBack += count),
    };
    return { told, watch };
  };

  describe("whoever watches the tasks", () => {
    it("is told how each run ended", async () => {
      const { db } = await open();
      const { told, watch } = keptWatch();
      const good = await enqueue(db, new Date(), plainRequest);
      let runs = 0;
      const kind = plainKind(async () => {
        runs += 1;
        if (runs > 1) throw new Error("no");
      });
      const runner = start(db, [kind], { watch });
      await reaches(db, good, "done");
      const bad = await enqueue(db, new Date(), plainRequest);
      await reaches(db, bad, "failed");
      await runner.idle();
      expect(told.runs).toEqual([
        "plain done true",
        "plain repeated true",
        "plain repeated true",
        "plain failed true",
      ]);
    });

    it("is told of a run whose task went to somebody else", async () => {
      const { db } = await open();
      const { told, watch } = keptWatch();
      const id = await enqueue(db, new Date(), plainRequest);
      const [begun, go] = [latch(), latch()];
      const kind = plainKind(async (task) => {
        begun.resolve();
        await go.promise;
        await task.step("late", async () => {});
      });
      start(db, [kind], { watch, leaseMillis: 60_000 });
      await begun.promise;
      await db
        .updateTable("tasks")
        .set(({ eb }) => ({ fence: eb("fence", "+", 1), leased_until: Date.now() + 60_000 }))
        .where("id", "=", id)
        .execute();
      go.resolve();
      await expect.poll(() => told.runs).toEqual(["plain lost true"]);
    });

    it("is told of tasks that were taken back from a process that did not answer", async () => {
      const { db } = await open();
      const { told, watch } = keptWatch();
      const first = await enqueue(db, new Date(), plainRequest);
      start(db, [plainKind(async () => {})], { watch });
      await reaches(db, first, "done");
      const id = await enqueue(db, new Date(Date.now() + 60_000), { ...plainRequest, key: "later" });
      await db
        .updateTable("tasks")
        .set({ state: "running", lease_owner: "gone", leased_until: 1, run_at: 1 })
        .where("id", "=", id)
        .execute();
      await reaches(db, id, "done");
      expect(told.takenBack).toBe(1);
    });
  });

  it("the queue is what is due: not what waits for its time, nor what runs", async () => {
    const { db } = await open();
    const soon = new Date(Date.now() - 5_000);
    for (const runAt of [soon, soon, new Date(Date.now() + 60_000)])
      await enqueue(db, new Date(), { ...plainRequest, runAt });
    const running = await enqueue(db, new Date(), plainRequest);
    await db
      .updateTable("tasks")
      .set({ state: "running", lease_owner: "x", leased_until: Date.now() + 60_000 })
      .where("id", "=", running)
      .execute();
    const metrics = await readTaskMetrics(db, []);
    expect(metrics.due).toEqual([{ kind: "plain", count: 2 }]);
    expect(metrics.oldestDueMillis).toBeGreaterThanOrEqual(4_000);
  });
});
