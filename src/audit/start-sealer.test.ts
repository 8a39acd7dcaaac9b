import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import pino from "pino";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine, type TestDatabase } from "../../test/support/databases.ts";
import { type Context, inTransaction } from "../context.ts";
import type { ChainHead } from "../kernel/hash-chain.ts";
import { type ChainReport, verifyChain } from "../kernel/verify-chain.ts";
import { exportEvents } from "./export-events.ts";
import { recordEvent } from "./record-event.ts";
import { startSealer } from "./start-sealer.ts";

const WRITER = new URL("../../test/support/audit-writer.ts", import.meta.url).pathname;

eachEngine((engine) => {
  let database: TestDatabase;
  let ctx: Context;
  let lines: { readonly head?: ChainHead; readonly chain?: string; readonly msg: string }[];

  beforeEach(async () => {
    database = await engine.open();
    lines = [];
    const log = pino(
      {},
      { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) },
    );
    ctx = testContext(database.db, { log });
  });

  const record = (name: string, projectId: string | null = null): Promise<void> =>
    inTransaction(ctx, (tx) => recordEvent(tx, { kind: "user.created", projectId, subjectId: name }));
  const report = async (head: ChainHead | null = null): Promise<ChainReport> =>
    verifyChain(await exportEvents(ctx, { projectKey: null }), head);
  const untilSealed = (entries: number): Promise<unknown> =>
    vi.waitUntil(async () => (await report()).entries === entries, { timeout: 20_000, interval: 20 });

  test("what is written is sealed without anybody asking", async () => {
    const sealer = await startSealer(ctx);
    await record("a");
    await untilSealed(1);
    await record("b");
    await untilSealed(2);
    await sealer.stop();
    expect(await report()).toMatchObject({ entries: 2, unsealed: 0, broken: null });
  });

  test("stopping seals what is there and logs the head, which proves the export from then on", async () => {
    const sealer = await startSealer(ctx);
    await record("a");
    await untilSealed(1);
    await record("b");
    await sealer.stop();
    const heads = lines.flatMap(({ head }) => head ?? []);
    expect(heads.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(await report(heads.at(-1))).toMatchObject({ entries: 2, broken: null });
  });

  test("a head is logged at most once a minute", async () => {
    let now = Date.parse("2026-11-22T10:00:00Z");
    ctx = { ...ctx, now: () => new Date(now) };
    const sealer = await startSealer(ctx);
    for (let count = 1; count <= 3; count++) {
      await record(`e${count}`);
      await untilSealed(count);
    }
    const logged = () => lines.flatMap(({ head }) => head?.sequence ?? []);
    expect(logged()).toEqual([1]);
    now += 60_000;
    await vi.waitUntil(() => logged().length === 2, { timeout: 20_000 });
    expect(logged()).toEqual([1, 3]);
    await sealer.stop();
    expect(logged()).toEqual([1, 3]);
  });

  test("two processes at once make one chain, and one goes on when the other stops", async () => {
    const [one, other] = await Promise.all([startSealer(ctx), startSealer(ctx)]);
    for (let count = 0; count < 20; count++) await record(`e${count}`);
    await untilSealed(20);
    await one.stop();
    await record("last");
    await untilSealed(21);
    await other.stop();
    expect(await report()).toMatchObject({ entries: 21, unsealed: 0, broken: null });
  });

  test("a chain that was tampered with is logged and does not hold up the others", async () => {
    const projectId = "a".repeat(24);
    const sealer = await startSealer(ctx);
    await record("a", projectId);
    await vi.waitUntil(
      async () => (await ctx.db.selectFrom("chain_heads").selectAll().execute()).length === 1,
      {
        timeout: 20_000,
      },
    );
    await ctx.db
      .updateTable("chain_heads")
      .set({ hash: "f".repeat(64) })
      .execute();
    await record("b", projectId);
    await record("c");
    await untilSealed(1);
    await vi.waitUntil(() => lines.some(({ chain }) => chain === projectId), { timeout: 20_000 });
    await sealer.stop();
    const sealed = await ctx.db
      .selectFrom("events")
      .select("subject_id")
      .where("sequence", "is not", null)
      .execute();
    expect(new Set(sealed.map(({ subject_id }) => subject_id))).toEqual(new Set(["a", "c"]));
  });

  describe("killed", () => {
    test("in the middle of sealing, ten times over, it loses nothing and forks nothing", async () => {
      await database.close();
      for (let round = 0; round < 10; round++) {
        const writer = spawn(process.execPath, [WRITER, JSON.stringify(database.options)], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        await once(writer.stdout, "data");
        await delay(Math.random() * 150);
        writer.kill("SIGKILL");
        await once(writer, "exit");
      }
      database = await database.reopen();
      ctx = testContext(database.db);
      await ctx.db.updateTable("sealer_lease").set({ leased_until: 0 }).execute();
      const sealer = await startSealer(ctx);
      await sealer.stop();
      const { count } = await ctx.db
        .selectFrom("events")
        .select(({ fn }) => fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      expect(count).toBeGreaterThanOrEqual(10);
      expect(await report()).toMatchObject({ entries: count, unsealed: 0, broken: null });
    });
  });
});
