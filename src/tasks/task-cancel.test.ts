import { describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import {
  HOUR,
  latch,
  leaveMark,
  plainKind,
  plainRequest,
  reaches,
  readMarks,
  readTask,
  taskRunners,
} from "../../test/support/task-runners.ts";
import { enqueue, requestCancel } from "./task-queue.ts";

const now = () => new Date();

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);

  describe("a task that is cancelled", () => {
    const endsCancelled = plainKind(
      async (task) => {
        await task.waitFor("never");
      },
      (ctx, end) => leaveMark(ctx.db, end.state),
    );

    it("while ready ends at once, due or not, with what its kind says of it", async () => {
      const { db } = await open();
      const id = await enqueue(db, now(), { ...plainRequest, runAt: new Date(Date.now() + HOUR) });
      expect(await requestCancel(db, now(), id)).toBe(true);
      start(db, [endsCancelled]);
      expect((await reaches(db, id, "cancelled")).error).toBe("Cancelled");
      expect(await readMarks(db)).toEqual(["cancelled"]);
      expect(await requestCancel(db, now(), id)).toBe(false);
    });

    it("while waiting ends at once", async () => {
      const { db } = await open();
      const runner = start(db, [endsCancelled], { pollMillis: HOUR });
      const id = await enqueue(db, now(), plainRequest);
      await runner.idle();
      expect((await readTask(db, id)).state).toBe("waiting");
      await requestCancel(db, now(), id);
      await reaches(db, id, "cancelled");
      expect(await readMarks(db)).toEqual(["cancelled"]);
    });

    it("while running is told so, and ends when its run has", async () => {
      const { db } = await open();
      const begun = latch();
      start(db, [
        plainKind(
          async (task) => {
            begun.resolve();
            await new Promise((resolve) => task.signal.addEventListener("abort", resolve));
            await task.step("refused", () => leaveMark(db, "too late"));
          },
          (ctx, end) => leaveMark(ctx.db, end.state),
        ),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await begun.promise;
      await requestCancel(db, now(), id);
      await reaches(db, id, "cancelled");
      expect(await readMarks(db)).toEqual(["cancelled"]);
    });

    it("while it goes to sleep does not sleep", async () => {
      const { db } = await open();
      start(
        db,
        [
          plainKind(
            async (task) => {
              await requestCancel(db, now(), task.id);
              await task.waitFor("never");
            },
            (ctx, end) => leaveMark(ctx.db, end.state),
          ),
        ],
        { pollMillis: 50 },
      );
      await reaches(db, await enqueue(db, now(), plainRequest), "cancelled");
      expect(await readMarks(db)).toEqual(["cancelled"]);
    });

    it("after its work was done stays done", async () => {
      const { db } = await open();
      const begun = latch();
      const go = latch();
      start(db, [
        plainKind(async () => {
          begun.resolve();
          await go.promise;
        }),
      ]);
      const id = await enqueue(db, now(), plainRequest);
      await begun.promise;
      await requestCancel(db, now(), id);
      go.resolve();
      expect((await reaches(db, id, "done", "cancelled")).state).toBe("done");
    });
  });
});
