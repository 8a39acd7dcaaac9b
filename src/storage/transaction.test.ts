import { beforeAll, expect, it } from "vitest";
import { eachEngine, type TestDatabase } from "../../test/support/databases.ts";
import { refuseInTransaction } from "../kernel/transaction-scope.ts";
import { batch } from "./batch.ts";
import type { Database } from "./database.ts";
import { afterCommit, beforeCommit, runTransaction } from "./transaction.ts";

const put = (db: Database, name: string, value = "1") =>
  db.insertInto("settings").values({ name, value }).execute();
const get = async (db: Database, name: string) =>
  (await db.selectFrom("settings").select("value").where("name", "=", name).executeTakeFirst())?.value;

eachEngine((engine) => {
  let database: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    database = await engine.open();
    db = database.db;
  });

  it("commits what was done and returns the answer", async () => {
    const answer = await runTransaction(db, async (tx) => {
      await put(tx, "a");
      return 7;
    });
    expect(answer).toBe(7);
    expect(await get(db, "a")).toBe("1");
  });

  it("writes nothing when the work throws", async () => {
    await expect(
      runTransaction(db, async (tx) => {
        await put(tx, "b");
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await get(db, "b")).toBeUndefined();
  });

  it("shows its writes to itself and to nobody else before it commits", async () => {
    const written = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<void>();
    const done = runTransaction(db, async (tx) => {
      await put(tx, "c");
      expect(await get(tx, "c")).toBe("1");
      written.resolve();
      await seen.promise;
    });
    await written.promise;
    expect(await get(db, "c")).toBeUndefined();
    seen.resolve();
    await done;
    expect(await get(db, "c")).toBe("1");
  });

  it("carries out what is for the end when all else is written, in the order in which it was asked", async () => {
    const done: string[] = [];
    await runTransaction(db, async (tx) => {
      for (const name of ["first", "second"])
        beforeCommit(tx, async () => {
          done.push(`${name}: ${await get(tx, "early")}, ${await get(tx, "late")}`);
          await put(tx, name);
        });
      await put(tx, "early");
      await runTransaction(tx, (inner) => put(inner, "late"));
      done.push("work");
    });
    expect(done).toEqual(["work", "first: 1, 1", "second: 1, 1"]);
    expect([await get(db, "first"), await get(db, "second")]).toEqual(["1", "1"]);
  });

  it("writes nothing when what is for the end fails, and does not come to it when the work throws", async () => {
    const failing = runTransaction(db, async (tx) => {
      beforeCommit(tx, async () => {
        throw new Error("at the end");
      });
      await put(tx, "undone");
    });
    await expect(failing).rejects.toThrow("at the end");
    expect(await get(db, "undone")).toBeUndefined();
    let reached = false;
    const thrown = runTransaction(db, async (tx) => {
      beforeCommit(tx, async () => {
        reached = true;
      });
      throw new Error("before");
    });
    await expect(thrown).rejects.toThrow("before");
    expect(reached).toBe(false);
    expect(() => beforeCommit(db, async () => {})).toThrow("need a transaction");
  });

  it("joins an open transaction, and falls with it", async () => {
    await expect(
      runTransaction(db, async (tx) => {
        await runTransaction(tx, (inner) => put(inner, "d"));
        throw new Error("outer");
      }),
    ).rejects.toThrow("outer");
    expect(await get(db, "d")).toBeUndefined();
  });

  it("marks its scope, so that connectors can refuse", async () => {
    await expect(runTransaction(db, async () => refuseInTransaction("A call"))).rejects.toThrow(
      /A call was called inside/,
    );
    refuseInTransaction("A call");
  });

  it("refuses queries past the open transaction, which could wait for its end or miss its writes", async () => {
    const past = /on the database instead of the open transaction/;
    await expect(runTransaction(db, () => put(db, "past"))).rejects.toThrow(past);
    await expect(runTransaction(db, () => get(db, "past"))).rejects.toThrow(past);
    await expect(runTransaction(db, () => runTransaction(db, async () => {}))).rejects.toThrow(past);
    await expect(runTransaction(db, () => batch(db, [db.deleteFrom("settings")]))).rejects.toThrow(past);
    expect(await get(db, "past")).toBeUndefined();
  });

  it("cannot be committed after a statement failed, even when the error was caught", async () => {
    await put(db, "e");
    await expect(
      runTransaction(db, async (tx) => {
        await put(tx, "e2");
        await put(tx, "e").catch(() => undefined);
      }),
    ).rejects.toThrow(/failed before|aborted|rolled back/i);
    expect(await get(db, "e2")).toBeUndefined();
  });

  it("runs effects after the commit only", async () => {
    const seen: string[] = [];
    await runTransaction(db, async (tx) => {
      afterCommit(tx, () => seen.push("committed"));
      await put(tx, "f");
      expect(seen).toEqual([]);
    });
    await runTransaction(db, async (tx) => {
      afterCommit(tx, () => seen.push("rolled back"));
      throw new Error("no");
    }).catch(() => undefined);
    expect(seen).toEqual(["committed"]);
  });

  it("ends after 5 s, undoes all, and leaves the database usable", async () => {
    const late = Promise.withResolvers<unknown>();
    await expect(
      runTransaction(db, async (tx) => {
        await put(tx, "g");
        await new Promise((done) => setTimeout(done, 5_200));
        late.resolve(await put(tx, "g2").catch((error: unknown) => error));
      }),
    ).rejects.toThrow("longer than 5 s");
    await put(db, "h");
    expect(await late.promise).toBeInstanceOf(Error);
    expect([await get(db, "g"), await get(db, "g2"), await get(db, "h")]).toEqual([
      undefined,
      undefined,
      "1",
    ]);
  });
});
