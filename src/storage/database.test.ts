import { sql } from "kysely";
import { beforeAll, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import type { Database } from "./database.ts";
import { pingDatabase } from "./database-ping.ts";
import { factsOf } from "./engine.ts";
import { runTransaction } from "./transaction.ts";

const put = (db: Database, name: string, value = "1") =>
  db.insertInto("settings").values({ name, value }).execute();

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    db = (await engine.open()).db;
  });

  it("shows every acknowledged write to the next read, among many callers", async () => {
    const rounds = Array.from({ length: 200 }, async (_, index) => {
      await put(db, `read-${index}`, String(index));
      const row = await db
        .selectFrom("settings")
        .selectAll()
        .where("name", "=", `read-${index}`)
        .executeTakeFirst();
      return row?.value;
    });
    expect(await Promise.all(rounds)).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
  });

  it("fails alone the one bad write among many that came at once", async () => {
    await put(db, "taken");
    const writes = Array.from({ length: 100 }, (_, index) =>
      put(db, index === 50 ? "taken" : `many-${index}`),
    );
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.map(({ status }) => status === "rejected").indexOf(true)).toBe(50);
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(1);
    const { count } = await db
      .selectFrom("settings")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("name", "like", "many-%")
      .executeTakeFirstOrThrow();
    expect(count).toBe(99);
  });

  it("fails alone a write that is no SQL", async () => {
    const outcomes = await Promise.allSettled([
      put(db, "before"),
      sql`insert nonsense`.execute(db),
      put(db, "after"),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("makes autocommitted writes wait for an open transaction, and does them then", async () => {
    const order: string[] = [];
    const begun = Promise.withResolvers<void>();
    const transaction = runTransaction(db, async (tx) => {
      await put(tx, "order", "transaction");
      begun.resolve();
      await new Promise((done) => setTimeout(done, 50));
      order.push("transaction");
    });
    await begun.promise;
    await db.updateTable("settings").set({ value: "after" }).where("name", "=", "order").execute();
    const changed = await db
      .insertInto("settings")
      .values({ name: "order", value: "" })
      .onConflict((conflict) => conflict.column("name").doUpdateSet({ value: "after" }))
      .returning("value")
      .executeTakeFirst();
    order.push("write");
    await transaction;
    expect(order).toEqual(["transaction", "write"]);
    expect(changed).toEqual({ value: "after" });
  });

  it("counts the rows that a write hit, and returns them when asked", async () => {
    await put(db, "hit-1");
    await put(db, "hit-2");
    const update = db.updateTable("settings").set({ value: "2" }).where("name", "like", "hit-%");
    expect(Number((await update.executeTakeFirst()).numUpdatedRows)).toBe(2);
    expect(await update.returning("name").execute()).toHaveLength(2);
    const remove = db.deleteFrom("settings").where("name", "like", "hit-%").returning(["name", "value"]);
    expect((await remove.execute()).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: "hit-1", value: "2" },
      { name: "hit-2", value: "2" },
    ]);
  });

  it("writes from a statement that begins with a common table expression", async () => {
    const made = await db
      .with("source", (cte) => cte.selectFrom("settings").select("value").where("name", "=", "taken"))
      .insertInto("settings")
      .columns(["name", "value"])
      .expression((eb) => eb.selectFrom("source").select((s) => [s.val("from-cte").as("name"), "value"]))
      .returning("name")
      .execute();
    expect(made).toEqual([{ name: "from-cte" }]);
    await sql`with gone(name) as (select 'from-cte') delete from settings where name in (select name from gone)`.execute(
      db,
    );
    expect(await db.selectFrom("settings").selectAll().where("name", "=", "from-cte").execute()).toEqual([]);
  });

  it("gives moments, counts and sums as numbers", async () => {
    const at = Date.UTC(2026, 10, 22);
    const projects = ["p1", "p2"].map((id) => ({ id, key: id, name: id, created_at: at }));
    await db.insertInto("projects").values(projects).execute();
    const row = await db
      .selectFrom("projects")
      .select((eb) => [
        eb.fn.max("created_at").as("latest"),
        eb.fn.sum<number>("created_at").as("sum"),
        eb.fn.countAll<number>().as("count"),
      ])
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ latest: at, sum: 2 * at, count: 2 });
  });

  it("sorts and compares text by code point", async () => {
    const sorted = ["10", "9", "A", "B", "Z", "_", "a", "b", "z", "ä", "中", "\u{fffd}", "\u{1f600}"].map(
      (name) => `sort ${name}`,
    );
    for (const name of sorted.toReversed()) await put(db, name);
    const query = db.selectFrom("settings").select("name").where("name", "like", "sort %").orderBy("name");
    expect((await query.execute()).map(({ name }) => name)).toEqual(sorted);
    expect(await query.where("name", ">", "sort Z").where("name", "<", "sort z").execute()).toHaveLength(3);
  });

  it("knows the time by the database's clock, in whole milliseconds", async () => {
    const { rows } = await sql<{ now: number }>`select ${sql.raw(factsOf(db).nowMillis)} as now`.execute(db);
    const now = rows[0]?.now;
    expect(now).toSatisfy(Number.isSafeInteger);
    expect(Math.abs((now ?? 0) - Date.now())).toBeLessThan(5_000);
  });

  it("keeps what was acknowledged when it is closed and opened again", async () => {
    const database = await engine.open();
    await put(database.db, "kept");
    const again = await database.reopen();
    expect(await again.db.selectFrom("settings").selectAll().execute()).toEqual([
      { name: "kept", value: "1" },
    ]);
  });

  it("answers a ping while it is open, and not when it is closed", async () => {
    const database = await engine.open();
    await pingDatabase(database.db);
    await database.close();
    await expect(pingDatabase(database.db)).rejects.toThrow(/closed|destroyed|end/);
  });
});
