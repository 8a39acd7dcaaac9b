import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { beforeEach, describe, expect, test } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine, type TestDatabase } from "../../test/support/databases.ts";
import { type Context, inTransaction } from "../context.ts";
import { verifyChain } from "../kernel/verify-chain.ts";
import { openDatabase } from "../storage/database.ts";
import { exportEvents } from "./export-events.ts";
import { recordEvent } from "./record-event.ts";
import { type Sealer, sealEvents } from "./seal-events.ts";
import { signingKey } from "./signing-key.ts";

const CHAIN = "system";

eachEngine((engine) => {
  let database: TestDatabase;
  let ctx: Context;
  let sealer: Sealer;
  const newSealer = async (): Promise<Sealer> => ({ holder: randomUUID(), signer: await signingKey(ctx) });

  beforeEach(async () => {
    database = await engine.open();
    ctx = testContext(database.db);
    sealer = await newSealer();
  });

  const record = (tx: Context, name: string): Promise<void> =>
    recordEvent(tx, { kind: "user.created", projectId: null, subjectId: name });
  const sealAll = async (by: Sealer = sealer): Promise<void> => {
    while ((await sealEvents(ctx, by, CHAIN))?.more);
  };
  const sealedNames = async (): Promise<(string | null)[]> => {
    const rows = await ctx.db
      .selectFrom("events")
      .select(["subject_id", "sequence"])
      .where("sequence", "is not", null)
      .orderBy("sequence")
      .execute();
    expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1));
    return rows.map(({ subject_id }) => subject_id);
  };
  const report = async () => verifyChain(await exportEvents(ctx, { projectKey: null }));

  test("events get their places in the order of their commits, and the head is signed", async () => {
    for (const name of ["a", "b", "c"]) await inTransaction(ctx, (tx) => record(tx, name));
    expect(await sealEvents(ctx, sealer, CHAIN)).toMatchObject({ head: { sequence: 3 }, more: false });
    await record(ctx, "d");
    await sealAll();
    expect(await sealedNames()).toEqual(["a", "b", "c", "d"]);
    expect(await report()).toMatchObject({ entries: 4, unsealed: 0, broken: null });
    expect(await sealEvents(ctx, sealer, CHAIN)).toBeNull();
  });

  test("more events than one batch holds are sealed batch by batch, without a gap", async () => {
    await inTransaction(ctx, async (tx) => {
      for (let count = 0; count < 1100; count++) await record(tx, `e${count}`);
    });
    expect(await sealEvents(ctx, sealer, CHAIN)).toMatchObject({ head: { sequence: 500 }, more: true });
    await sealAll();
    expect(await sealedNames()).toEqual(Array.from({ length: 1100 }, (_, index) => `e${index}`));
    expect(await report()).toMatchObject({ entries: 1100, broken: null });
  });

  test("every chain counts for itself", async () => {
    const projectId = "a".repeat(24);
    await record(ctx, "a");
    await recordEvent(ctx, { kind: "project.created", projectId, subjectId: projectId });
    expect(await sealEvents(ctx, sealer, projectId)).toMatchObject({
      head: { chain: projectId, sequence: 1 },
    });
    expect(await sealEvents(ctx, sealer, CHAIN)).toMatchObject({ head: { chain: CHAIN, sequence: 1 } });
  });

  test("while one process has the lease another seals nothing, and goes on when it has run out", async () => {
    const other = await newSealer();
    await record(ctx, "a");
    await sealAll();
    await record(ctx, "b");
    expect(await sealEvents(ctx, other, CHAIN)).toBeNull();
    await ctx.db.updateTable("sealer_lease").set({ leased_until: 1 }).execute();
    expect(await sealEvents(ctx, other, CHAIN)).toMatchObject({ head: { sequence: 2 } });
    expect(await report()).toMatchObject({ entries: 2, broken: null });
  });

  test("many writers and two sealers that both believe in their lease make one gapless chain", async () => {
    const other = await newSealer();
    let writing = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let count = 0; count < 25; count++)
        await inTransaction(ctx, async (tx) => {
          await record(tx, `${writer}-${count}-one`);
          await record(tx, `${writer}-${count}-two`);
        });
    });
    const takeTurns = async (by: Sealer): Promise<void> => {
      while (writing) {
        await ctx.db.updateTable("sealer_lease").set({ leased_until: 0 }).execute();
        await sealEvents(ctx, by, CHAIN);
      }
    };
    const sealers = [takeTurns(sealer), takeTurns(other)];
    await Promise.all(writers);
    writing = false;
    await Promise.all(sealers);
    await ctx.db.updateTable("sealer_lease").set({ leased_until: 0 }).execute();
    await sealAll();
    const names = await sealedNames();
    expect(new Set(names).size).toBe(400);
    for (let writer = 0; writer < 8; writer++)
      expect(names.filter((name) => name?.startsWith(`${writer}-`))).toEqual(
        Array.from({ length: 50 }, (_, index) => `${writer}-${index >> 1}-${index % 2 ? "two" : "one"}`),
      );
    expect(await report()).toMatchObject({ entries: 400, unsealed: 0, broken: null });
  });

  test("a sealer that is cut off in the middle leaves nothing behind, and another takes its place", async () => {
    for (const name of ["a", "b"]) await record(ctx, name);
    const cut = inTransaction(ctx, async (tx) => {
      await sealEvents(tx, sealer, CHAIN);
      throw new Error("cut off");
    });
    await expect(cut).rejects.toThrow("cut off");
    expect(await sealedNames()).toEqual([]);
    await sealAll(await newSealer());
    expect(await report()).toMatchObject({ entries: 2, broken: null });
  });

  test("a forged head is not continued", async () => {
    await record(ctx, "a");
    await sealAll();
    await ctx.db
      .updateTable("chain_heads")
      .set({ hash: "f".repeat(64) })
      .execute();
    await record(ctx, "b");
    await expect(sealEvents(ctx, sealer, CHAIN)).rejects.toThrow("not signed with this installation's key");
    expect(await sealedNames()).toEqual(["a"]);
  });

  test("a head that was removed does not let the chain begin anew", async () => {
    await record(ctx, "a");
    await sealAll();
    await ctx.db.deleteFrom("chain_heads").execute();
    await record(ctx, "b");
    await expect(sealEvents(ctx, sealer, CHAIN)).rejects.toThrow(/unique/i);
    expect(await sealedNames()).toEqual(["a"]);
  });

  test("after a restart the chain goes on with the same key", async () => {
    await record(ctx, "a");
    await sealAll();
    const before = await report();
    database = await database.reopen();
    ctx = testContext(database.db);
    await record(ctx, "b");
    await ctx.db.updateTable("sealer_lease").set({ leased_until: 0 }).execute();
    await sealAll(await newSealer());
    const lines = await exportEvents(ctx, { projectKey: null });
    expect(await verifyChain(lines, before.head)).toMatchObject({ entries: 2, broken: null });
  });

  test("a database restored elsewhere goes on: what was sealed stays, what was not is sealed there", async () => {
    for (const name of ["a", "b"]) await record(ctx, name);
    await sealAll();
    const before = await report();
    await record(ctx, "c");
    const restored = (await engine.open()).db;
    for (const table of ["settings", "events", "chain_heads"] as const)
      await restored
        .insertInto(table)
        .values(await ctx.db.selectFrom(table).selectAll().execute())
        .execute();
    if (engine.kind === "postgres")
      await sql`select setval(pg_get_serial_sequence('events', 'serial'), max(serial)) from events`.execute(
        restored,
      );
    ctx = testContext(restored);
    await record(ctx, "d");
    await sealAll(await newSealer());
    expect(await sealedNames()).toEqual(["a", "b", "c", "d"]);
    const lines = await exportEvents(ctx, { projectKey: null });
    expect(await verifyChain(lines, before.head)).toMatchObject({ entries: 4, unsealed: 0, broken: null });
  });

  // The embedded engine has one transaction at a time.
  const whereTheyExist: (title: string, tests: () => void) => void =
    engine.kind === "postgres" ? describe : () => undefined;
  whereTheyExist("with transactions side by side", () => {
    /** A transaction whose end the test decides. */
    async function openTransaction() {
      const tx = await ctx.db.startTransaction().execute();
      return { ctx: { ...ctx, db: tx }, commit: () => tx.commit().execute() };
    }

    test("the one that commits first comes first, whichever began first", async () => {
      const early = await openTransaction();
      await record(early.ctx, "began first");
      const late = await openTransaction();
      await record(late.ctx, "committed first");
      await late.commit();
      await sealAll();
      expect(await sealedNames()).toEqual(["committed first"]);
      await early.commit();
      await sealAll();
      expect(await sealedNames()).toEqual(["committed first", "began first"]);
    });

    test("what rests on another transaction's commit comes after it, within one pass too", async () => {
      const follower = await openTransaction();
      await follower.ctx.db.insertInto("settings").values({ name: "first write", value: "" }).execute();
      await inTransaction(ctx, (tx) => record(tx, "cause"));
      await record(follower.ctx, "effect");
      await follower.commit();
      await sealAll();
      expect(await sealedNames()).toEqual(["cause", "effect"]);
    });

    test("a long transaction holds up nobody else's events", async () => {
      const long = await openTransaction();
      await record(long.ctx, "long");
      await record(ctx, "short");
      await sealAll();
      expect(await sealedNames()).toEqual(["short"]);
      await long.commit();
    });

    test("a sealer whose connection dies in mid-transaction is followed by another at once", async () => {
      for (const name of ["a", "b"]) await record(ctx, name);
      const doomed = await openDatabase(database.options);
      const tx = await doomed.db.startTransaction().execute();
      const connection = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await sealEvents({ ...ctx, db: tx }, sealer, CHAIN);
      const other = sealEvents(ctx, await newSealer(), CHAIN);
      await sql`select pg_terminate_backend(${connection.rows[0]?.pid})`.execute(ctx.db);
      expect(await other).toMatchObject({ head: { sequence: 2 } });
      await expect(tx.commit().execute()).rejects.toThrow(/terminat|not queryable/);
      await tx
        .rollback()
        .execute()
        .catch(() => undefined);
      await doomed.close();
    });
  });
});
