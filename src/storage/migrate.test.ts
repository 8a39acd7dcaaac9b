import { expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { openDatabase } from "./database.ts";
import { factsOf } from "./engine.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations.ts";

const names = migrations.map(({ name }) => name);

eachEngine((engine) => {
  it("runs every migration once, in order, and tells which", async () => {
    const { db, close } = await openDatabase(await engine.place());
    expect(await migrate(db)).toEqual(names);
    expect(await migrate(db)).toEqual([]);
    const applied = await db.selectFrom("schema_migrations").selectAll().orderBy("name").execute();
    expect(applied.map(({ name }) => name)).toEqual(names);
    expect(applied[0]?.applied_at).toBeGreaterThan(Date.UTC(2026, 0, 1));
    await close();
  });

  it("runs what is new on a database that has the rest", async () => {
    const { db } = await engine.open();
    const more = { name: "9999-more", statements: ["create table more (id text primary key)"] };
    expect(await migrate(db, [...migrations, more])).toEqual(["9999-more"]);
  });

  it("undoes the one that fails, keeps those before it, and can go on after it is mended", async () => {
    const { db } = await engine.open();
    const good = { name: "9998-good", statements: ["create table good (id text primary key)"] };
    const bad = {
      name: "9999-bad",
      statements: ["create table half (id text primary key)", "create table half (id text)"],
    };
    const mended = { ...bad, statements: ["create table half (id text primary key)"] };
    await expect(migrate(db, [...migrations, good, bad])).rejects.toThrow(/half/);
    expect(await migrate(db, [...migrations, good, mended])).toEqual(["9999-bad"]);
  });

  it("refuses a database that a newer program made, and names what it does not know", async () => {
    const { db } = await engine.open();
    await db.insertInto("schema_migrations").values({ name: "9999-future", applied_at: 1 }).execute();
    await expect(migrate(db)).rejects.toThrow(/newer Headgate \(it has 9999-future\)/);
  });

  it("may be started by several at once: each migration runs once", async () => {
    const options = await engine.place();
    const first = await openDatabase(options);
    // Replicas have connections of their own; the embedded database belongs to one process.
    const others = factsOf(first.db).shared
      ? await Promise.all([openDatabase(options), openDatabase(options)])
      : [];
    const starts = [first, ...others, first].map(({ db }) => migrate(db));
    expect((await Promise.all(starts)).flat().toSorted()).toEqual(names);
    for (const { close } of [first, ...others]) await close();
  });
});
