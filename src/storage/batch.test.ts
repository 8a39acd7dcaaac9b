import { beforeEach, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { batch, batchIf } from "./batch.ts";
import type { Database } from "./database.ts";
import { runTransaction } from "./transaction.ts";

const put = (db: Database, name: string, value = "1") => db.insertInto("settings").values({ name, value });
const turn = (db: Database, from: string, to: string) =>
  db.updateTable("settings").set({ value: to }).where("name", "=", "state").where("value", "=", from);
const all = async (db: Database) =>
  Object.fromEntries(
    (await db.selectFrom("settings").selectAll().execute()).map(({ name, value }) => [name, value]),
  );

eachEngine((engine) => {
  let database: Awaited<ReturnType<typeof engine.open>> | null = null;
  let db: Database;
  beforeEach(async () => {
    database ??= await engine.open();
    db = database.db;
    await db.deleteFrom("settings").execute();
    await put(db, "state", "ready").execute();
  });

  it("does all statements in order, and tells rows and counts of each", async () => {
    const results = await batch(db, [
      put(db, "a"),
      turn(db, "ready", "running").returning("value"),
      db.selectFrom("settings").selectAll().where("name", "=", "state"),
      turn(db, "never", "x"),
    ]);
    expect(results).toEqual([
      { rows: [], written: 1 },
      { rows: [{ value: "running" }], written: 1 },
      { rows: [{ name: "state", value: "running" }], written: null },
      { rows: [], written: 0 },
    ]);
    expect(await all(db)).toEqual({ state: "running", a: "1" });
  });

  it("does nothing when one statement fails", async () => {
    await expect(batch(db, [put(db, "a"), put(db, "state"), put(db, "b")])).rejects.toThrow(/unique/i);
    expect(await all(db)).toEqual({ state: "ready" });
  });

  it("does nothing, and says so, when the guard hits no row", async () => {
    expect(await batchIf(db, turn(db, "done", "x"), [put(db, "a")])).toBeNull();
    expect(await batchIf(db, turn(db, "done", "x"), [])).toBeNull();
    expect(await all(db)).toEqual({ state: "ready" });
  });

  it("lets one of many through the guard", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        batchIf(db, turn(db, "ready", "running"), [put(db, `winner-${index}`)]),
      ),
    );
    expect(outcomes.filter((outcome) => outcome !== null)).toHaveLength(1);
    expect(Object.keys(await all(db))).toHaveLength(2);
  });

  it("is one with the transaction it is called in", async () => {
    await expect(
      runTransaction(db, async (tx) => {
        expect(await batchIf(tx, turn(tx, "done", "x"), [put(tx, "no")])).toBeNull();
        expect(await batchIf(tx, turn(tx, "ready", "running"), [put(tx, "a")])).toMatchObject([
          { written: 1 },
          { written: 1 },
        ]);
        expect(await all(tx)).toEqual({ state: "running", a: "1" });
        throw new Error("undo");
      }),
    ).rejects.toThrow("undo");
    expect(await all(db)).toEqual({ state: "ready" });
  });

  it("of no statements does nothing", async () => {
    expect(await batch(db, [])).toEqual([]);
  });
});
