import { beforeEach, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { batch, batchIf, batchThenIf, rowsOf } from "./batch.ts";
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

  it("in a transaction does all in order, each on what those before it wrote", async () => {
    const read = db.selectFrom("settings").select("value").where("name", "=", "state");
    const results = await runTransaction(db, (tx) =>
      batch(tx, [read, turn(tx, "ready", "running"), read, turn(tx, "running", "done").returning("value")]),
    );
    expect(results).toEqual([
      { rows: [{ value: "ready" }], written: null },
      { rows: [], written: 1 },
      { rows: [{ value: "running" }], written: null },
      { rows: [{ value: "done" }], written: 1 },
    ]);
    expect(rowsOf(read, results[2])[0]?.value).toBe("running");
  });

  it("in a transaction throws what failed first, and leaves nothing of it", async () => {
    const asked = runTransaction(db, async (tx) => {
      await put(tx, "before").execute();
      await batch(tx, [put(tx, "a"), put(tx, "state"), put(tx, "b"), tx.selectFrom("settings").selectAll()]);
    });
    await expect(asked).rejects.toThrow(/unique/i);
    expect(await all(db)).toEqual({ state: "ready" });
    await runTransaction(db, (tx) => batch(tx, [put(tx, "after")]));
    expect(await all(db)).toEqual({ state: "ready", after: "1" });
  });

  it("takes back what came before a guard that hits no row", async () => {
    expect(await batchThenIf(db, [put(db, "a"), put(db, "b")], turn(db, "done", "x"))).toBeNull();
    expect(await batchThenIf(db, [], turn(db, "done", "x"))).toBeNull();
    expect(await all(db)).toEqual({ state: "ready" });
    expect(await batchThenIf(db, [put(db, "a")], turn(db, "ready", "x"))).toMatchObject([
      { written: 1 },
      { written: 1 },
    ]);
    expect(await all(db)).toEqual({ state: "x", a: "1" });
  });

  it("lets one of many through a guard that comes last, and harms none beside", async () => {
    const [guarded, failed] = await Promise.all([
      Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          batchThenIf(db, [put(db, `winner-${index}`)], turn(db, "ready", "running")),
        ),
      ),
      Promise.allSettled(
        Array.from({ length: 5 }, (_, index) =>
          batchThenIf(
            db,
            [put(db, `never-${index}`), put(db, `never-${index}`)],
            turn(db, "running", "running"),
          ),
        ),
      ),
      Promise.all(Array.from({ length: 5 }, (_, index) => batch(db, [put(db, `plain-${index}`)]))),
    ]);
    expect(guarded.filter((outcome) => outcome !== null)).toHaveLength(1);
    expect(failed.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => "rejected"));
    const names = Object.keys(await all(db));
    expect(names.filter((name) => name.startsWith("winner-"))).toHaveLength(1);
    expect(names.filter((name) => name.startsWith("plain-"))).toHaveLength(5);
    expect(names).toHaveLength(7);
  });

  it("with its guard last is one with the transaction, which ends by throwing", async () => {
    const lost = runTransaction(db, async (tx) => {
      if ((await batchThenIf(tx, [put(tx, "no")], turn(tx, "done", "x"))) === null) throw new Error("lost");
    });
    await expect(lost).rejects.toThrow("lost");
    expect(await all(db)).toEqual({ state: "ready" });
  });

  it("of no statements does nothing", async () => {
    expect(await batch(db, [])).toEqual([]);
  });
});
