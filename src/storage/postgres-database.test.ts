import { sql } from "kysely";
import pg from "pg";
import { expect, it } from "vitest";
import { startDatabaseDoor } from "../../test/support/database-door.ts";
import { onPostgres } from "../../test/support/databases.ts";
import { DatabaseAwayError } from "../kernel/errors.ts";
import { backUpDatabase } from "./back-up-database.ts";
import { batch } from "./batch.ts";
import { type Database, type DatabaseOptions, openDatabase } from "./database.ts";
import { runTransaction } from "./transaction.ts";
import { isUniqueViolation } from "./unique-violation.ts";
import { onWakeUp, wakeUp } from "./wake-up.ts";

const urlOf = (options: DatabaseOptions): string => (options.kind === "postgres" ? options.url : "");

/** Ends every other connection of this database, as a restart of PostgreSQL would. */
async function endConnections(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await client.end();
}

onPostgres((engine) => {
  it("outlives the end of its idle connections", async () => {
    const { db, options } = await engine.open();
    await Promise.all([1, 2, 3].map(() => sql`select pg_sleep(0.05)`.execute(db)));
    await endConnections(urlOf(options));
    await expect
      .poll(() =>
        db
          .selectFrom("settings")
          .selectAll()
          .execute()
          .catch(() => null),
      )
      .toEqual([]);
  });

  it("fails the transaction, and nothing else, whose connection breaks while it is thinking", async () => {
    const { db, options } = await engine.open();
    const put = (tx: Database, name: string) =>
      tx.insertInto("settings").values({ name, value: "1" }).execute();
    await expect(
      runTransaction(db, async (tx) => {
        await put(tx, "before");
        await endConnections(urlOf(options));
        await new Promise((done) => setTimeout(done, 100));
        await put(tx, "after");
      }),
    ).rejects.toThrow(/terminat|not queryable|closed/i);
    expect(await db.selectFrom("settings").selectAll().execute()).toEqual([]);
  });

  it("fails all statements handed over at once when their connection breaks, and writes none of them", async () => {
    const { db, options } = await engine.open();
    const put = (tx: Database, name: string) => tx.insertInto("settings").values({ name, value: "1" });
    const sleep = db.selectNoFrom(sql`pg_sleep(20)`.as("slept"));
    const asked = runTransaction(db, (tx) => batch(tx, [put(tx, "a"), sleep, put(tx, "b")]));
    const failure = asked.catch((error: unknown) => error);
    await expect
      .poll(() =>
        sql`select 1 from pg_stat_activity where query like '%pg_sleep%' and state = 'active'
        and pid <> pg_backend_pid()`
          .execute(db)
          .then(({ rows }) => rows.length),
      )
      .toBe(1);
    await endConnections(urlOf(options));
    expect(await failure).toBeInstanceOf(DatabaseAwayError);
    await expect
      .poll(() =>
        db
          .selectFrom("settings")
          .selectAll()
          .execute()
          .catch(() => null),
      )
      .toEqual([]);
    await batch(db, [put(db, "c")]);
  });

  it("says that it is away, whatever is asked of it, and of nothing else", async () => {
    const { options } = await engine.open();
    const door = await startDatabaseDoor(urlOf(options));
    const { db, close } = await openDatabase({ kind: "postgres", url: door.url, poolSize: 4 });
    const mark = (name: string) => db.insertInto("settings").values({ name, value: "1" });
    const held = Promise.withResolvers<void>();
    const cut = runTransaction(db, async (tx) => {
      await tx.insertInto("settings").values({ name: "cut", value: "1" }).execute();
      held.resolve();
      await new Promise((done) => setTimeout(done, 100));
      await tx.selectFrom("settings").selectAll().execute();
    });
    await held.promise;
    const hurt = sql`select pg_sleep(10)`.execute(db);
    door.shut();
    await Promise.all([cut, hurt].map((each) => expect(each).rejects.toThrow(DatabaseAwayError)));
    await expect(mark("alone").execute()).rejects.toThrow(DatabaseAwayError);
    await expect(batch(db, [mark("a"), mark("b")])).rejects.toThrow(DatabaseAwayError);
    await expect(runTransaction(db, async () => undefined)).rejects.toThrow(DatabaseAwayError);
    door.open();
    await mark("back").execute();
    expect(
      isUniqueViolation(
        await mark("back")
          .execute()
          .catch((error: unknown) => error),
      ),
    ).toBe(true);
    await expect(sql`select 1 / 0`.execute(db)).rejects.toThrow("division by zero");
    await close();
    await door.stop();
  });

  it("hears wake-ups again after its listening connection broke, and those it missed", async () => {
    const { db, options } = await engine.open();
    let calls = 0;
    onWakeUp(db, "tasks", () => (calls += 1));
    await expect.poll(() => (wakeUp(db, "tasks"), calls)).toBeGreaterThan(0);
    await endConnections(urlOf(options));
    calls = 0;
    // Nobody sends anything: the new connection itself wakes whoever listens.
    await expect.poll(() => calls, { timeout: 10_000 }).toBeGreaterThan(0);
    calls = 0;
    wakeUp(db, "tasks");
    await expect.poll(() => calls).toBeGreaterThan(0);
  });

  it("runs a transaction again that PostgreSQL ended for a deadlock", async () => {
    const { db } = await engine.open();
    await db
      .insertInto("settings")
      .values(["a", "b"].map((name) => ({ name, value: "" })))
      .execute();
    const bothHold = Promise.withResolvers<void>();
    let holding = 0;
    let runs = 0;
    const append = (text: string, order: readonly string[]) =>
      runTransaction(db, async (tx) => {
        runs += 1;
        for (const name of order) {
          const value = sql<string>`value || ${text}`;
          await tx.updateTable("settings").set({ value }).where("name", "=", name).execute();
          holding += 1;
          if (holding === 2) bothHold.resolve();
          await bothHold.promise;
        }
      });
    await Promise.all([append("1", ["a", "b"]), append("2", ["b", "a"])]);
    expect(runs).toBe(3);
    const rows = await db.selectFrom("settings").select("value").execute();
    expect(rows.map(({ value }) => value.length)).toEqual([2, 2]);
  });

  it("ends a single statement that a transaction cannot wait for", async () => {
    const { db } = await engine.open();
    await expect(runTransaction(db, (tx) => sql`select pg_sleep(30)`.execute(tx))).rejects.toThrow(
      /longer than 5 s|statement timeout/,
    );
    expect(await db.selectFrom("settings").selectAll().execute()).toEqual([]);
  });

  it("points to PostgreSQL's own tools when asked for a backup", async () => {
    const { db } = await engine.open();
    await expect(backUpDatabase(db, "/tmp/never-written")).rejects.toMatchObject({ code: "BACKUP_NOT_HERE" });
  });

  it("shows its name to the server's operator", async () => {
    const { db } = await engine.open();
    const { rows } = await sql`select current_setting('application_name') as name`.execute(db);
    expect(rows).toEqual([{ name: "headgate" }]);
  });

  it("refuses a database with another encoding", async () => {
    const { db, options } = await engine.open();
    const url = new URL(urlOf(options));
    const name = `${url.pathname.slice(1)}_ascii`;
    await sql
      .raw(`create database ${name} template template0 encoding 'SQL_ASCII' locale_provider libc locale 'C'`)
      .execute(db);
    url.pathname = `/${name}`;
    await expect(openDatabase({ kind: "postgres", url: url.href })).rejects.toThrow(
      /encoding UTF8.*SQL_ASCII/,
    );
    await sql.raw(`drop database ${name}`).execute(db);
  });

  it("says why it cannot be reached", async () => {
    const refused = { kind: "postgres", url: "postgres://nobody@127.0.0.1:1/none" } as const;
    await expect(openDatabase(refused)).rejects.toThrow(
      /cannot be reached with DATABASE_URL: .*ECONNREFUSED/,
    );
    const { options } = await engine.open();
    const missing = new URL(urlOf(options));
    missing.pathname = "/no_such_database";
    await expect(openDatabase({ kind: "postgres", url: missing.href })).rejects.toThrow(
      /"no_such_database" does not exist/,
    );
  });
});
