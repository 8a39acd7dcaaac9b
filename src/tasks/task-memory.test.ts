import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { HOUR, plainKind, plainRequest, readTask, taskRunners } from "../../test/support/task-runners.ts";
import { enqueue } from "./task-queue.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

eachEngine((engine) => {
  const { open, start } = taskRunners(engine);

  it("a task that sleeps or waits holds no memory", async () => {
    const { db } = await open();
    const held: WeakRef<object>[] = [];
    const runner = start(db, [
      plainKind(async (task) => {
        const ballast = { bytes: new Uint8Array(1_000) };
        held.push(new WeakRef(ballast));
        if (held.length % 2 === 0) await task.sleepUntil("long", new Date(Date.now() + HOUR));
        else await task.waitFor("never");
        task.progress(ballast.bytes.length);
      }),
    ]);
    const ids: string[] = [];
    for (let count = 0; count < 10; count += 1) ids.push(await enqueue(db, new Date(), plainRequest));
    await runner.idle();
    for (let tries = 0; tries < 20 && held.some((each) => each.deref()); tries += 1) {
      await turn();
      collectGarbage();
    }
    expect(held).toHaveLength(10);
    expect(held.filter((each) => each.deref())).toEqual([]);
    const states = await Promise.all(ids.map(async (id) => (await readTask(db, id)).state));
    expect(states.toSorted()).toEqual([
      ...Array<string>(5).fill("ready"),
      ...Array<string>(5).fill("waiting"),
    ]);
  });
});
