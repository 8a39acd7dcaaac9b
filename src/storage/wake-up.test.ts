import { expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { type Database, openDatabase } from "./database.ts";
import { factsOf } from "./engine.ts";
import { runTransaction } from "./transaction.ts";
import { onWakeUp, wakeUp } from "./wake-up.ts";

/** Listens, and waits until it is heard: on PostgreSQL the listening connection comes a moment later. */
async function listen(db: Database, channel: string) {
  const calls: number[] = [];
  let waiting: (() => void)[] = [];
  const stop = onWakeUp(db, channel, () => {
    calls.push(calls.length);
    for (const resolve of waiting) resolve();
    waiting = [];
  });
  const next = () => new Promise<void>((resolve) => void waiting.push(resolve));
  const first = next();
  wakeUp(db, channel);
  const knock = setInterval(() => wakeUp(db, channel), 20);
  await first;
  clearInterval(knock);
  await new Promise((done) => setTimeout(done, 100));
  calls.length = 0;
  return { calls, next, stop };
}

eachEngine((engine) => {
  it("wakes the listeners of its channel, and no others", async () => {
    const { db } = await engine.open();
    const tasks = await listen(db, "tasks");
    const events = await listen(db, "events");
    const woken = events.next();
    wakeUp(db, "events");
    await woken;
    expect([tasks.calls.length, events.calls.length]).toEqual([0, 1]);
  });

  it("makes one of many calls at once", async () => {
    const { db } = await engine.open();
    const { calls, next } = await listen(db, "tasks");
    const woken = next();
    for (let count = 0; count < 1_000; count += 1) wakeUp(db, "tasks");
    await woken;
    await new Promise((done) => setTimeout(done, 50));
    expect(calls.length).toBe(1);
  });

  it("wakes after the commit, when what was written can be seen; never after a rollback", async () => {
    const { db } = await engine.open();
    const { calls, next } = await listen(db, "tasks");
    await runTransaction(db, async (tx) => {
      wakeUp(tx, "tasks");
      throw new Error("undo");
    }).catch(() => undefined);
    const woken = next();
    await runTransaction(db, async (tx) => {
      wakeUp(tx, "tasks");
      await new Promise((done) => setTimeout(done, 50));
      expect(calls).toEqual([]);
      await tx.insertInto("settings").values({ name: "work", value: "1" }).execute();
    });
    await woken;
    expect(calls.length).toBe(1);
    expect(await db.selectFrom("settings").selectAll().execute()).toHaveLength(1);
  });

  it("lets a listener use the database, though a transaction set it off", async () => {
    const { db } = await engine.open();
    const asked = new Promise((resolve, reject) => {
      onWakeUp(db, "ask", () => {
        db.selectFrom("settings").selectAll().execute().then(resolve, reject);
      });
    });
    await listen(db, "ask");
    await runTransaction(db, async () => wakeUp(db, "ask"));
    expect(await asked).toEqual([]);
  });

  it("stops when told to", async () => {
    const { db } = await engine.open();
    const quiet = await listen(db, "tasks");
    const other = await listen(db, "tasks");
    quiet.calls.length = 0;
    quiet.stop();
    const woken = other.next();
    wakeUp(db, "tasks");
    await woken;
    expect(quiet.calls).toEqual([]);
  });

  it("wakes whoever calls: another process too, where the engine has several", async () => {
    const database = await engine.open();
    const other = factsOf(database.db).shared ? await openDatabase(database.options) : database;
    const { calls, next } = await listen(database.db, "tasks");
    const woken = next();
    wakeUp(other.db, "tasks");
    await woken;
    expect(calls.length).toBe(1);
    await other.close();
  });
});
