import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { beforeEach, expect, test } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type Context, inTransaction } from "../context.ts";
import type { ChainHead } from "../kernel/hash-chain.ts";
import { type ChainReport, verifyChain } from "../kernel/verify-chain.ts";
import { exportEvents } from "./export-events.ts";
import { recordEvent } from "./record-event.ts";
import { type Sealer, sealEvents } from "./seal-events.ts";
import { signingKey } from "./signing-key.ts";

const CHAIN = "system";

eachEngine((engine) => {
  let ctx: Context;
  let sealer: Sealer;
  const record = (count: number): Promise<void> =>
    inTransaction(ctx, async (tx) => {
      for (let index = 0; index < count; index++)
        await recordEvent(tx, { kind: "user.created", projectId: null, subjectId: `u${index}` });
    });
  const report = async (head: ChainHead | null = null): Promise<ChainReport> =>
    verifyChain(await exportEvents(ctx, { projectKey: null }), head);
  const forge = (sequence: number) => ctx.db.updateTable("events").where("sequence", "=", sequence);

  beforeEach(async () => {
    ctx = testContext((await engine.open()).db);
    sealer = { holder: "test", signer: await signingKey(ctx) };
    await record(6);
    await sealEvents(ctx, sealer, CHAIN);
  });

  test("an export begins with the header, ends with the signed head, and holds", async () => {
    const lines: string[] = [];
    for await (const line of await exportEvents(ctx, { projectKey: null })) lines.push(line);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      format: "headgate-audit-1",
      chain: CHAIN,
      publicKey: sealer.signer.publicKey,
    });
    expect(lines.slice(1, -1).map((line) => (JSON.parse(line) as { sequence: number }).sequence)).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ head: { chain: CHAIN, sequence: 6 } });
    expect(await verifyChain(lines)).toMatchObject({ entries: 6, unsealed: 0, broken: null });
  });

  test("an export longer than one page holds, with what is not sealed yet at its end", async () => {
    await record(1100);
    while ((await sealEvents(ctx, sealer, CHAIN))?.more);
    await record(600);
    expect(await report()).toMatchObject({ entries: 1106, unsealed: 600, broken: null });
  });

  test("texts with other alphabets' line ends stay in their lines", async () => {
    await recordEvent(ctx, { kind: "user.created", projectId: null, subjectId: "a\u2028b\u2029c\u0085d" });
    await sealEvents(ctx, sealer, CHAIN);
    const lines = Readable.from(await exportEvents(ctx, { projectKey: null }));
    const input = lines.map((line: string) => `${line}\n`);
    expect(await verifyChain(createInterface({ input }))).toMatchObject({ entries: 7, broken: null });
  });

  test("a chain without events is exported and holds", async () => {
    ctx = testContext((await engine.open()).db);
    expect(await report()).toMatchObject({ entries: 0, unsealed: 0, broken: null });
  });

  test("a body changed in the database is found at its entry", async () => {
    const { body_json } = await ctx.db
      .selectFrom("events")
      .select("body_json")
      .where("sequence", "=", 3)
      .executeTakeFirstOrThrow();
    await forge(3)
      .set({ body_json: body_json.replace("user.created", "user.changed") })
      .execute();
    expect((await report()).broken).toMatchObject({ sequence: 3, reason: "its content was changed" });
  });

  test.each(["", "null", "[1]", "{", String.raw`{"a":"\ud800"}`])(
    "a body turned into %j is found at its entry, and the rest is exported",
    async (body_json) => {
      await forge(3).set({ body_json }).execute();
      expect((await report()).broken).toMatchObject({ sequence: 3 });
    },
  );

  test("an entry removed from the database is named", async () => {
    await ctx.db.deleteFrom("events").where("sequence", "=", 3).execute();
    expect((await report()).broken).toMatchObject({ sequence: 3 });
  });

  test("swapped entries are found", async () => {
    for (const [from, to] of [
      [2, 100],
      [4, 2],
      [100, 4],
    ] as const)
      await forge(from).set({ sequence: to }).execute();
    expect((await report()).broken).toMatchObject({ sequence: 2 });
  });

  test("a tail cut off in the database is found, and with its head by a head known from elsewhere", async () => {
    const { head } = await report();
    await ctx.db.deleteFrom("events").where("sequence", ">", 4).execute();
    expect((await report()).broken).toMatchObject({ sequence: 5 });
    await ctx.db.deleteFrom("events").execute();
    await ctx.db.deleteFrom("chain_heads").execute();
    expect((await report()).broken).toBeNull();
    expect((await report(head)).broken).toMatchObject({ sequence: 1 });
  });

  test("a head forged in the database is found", async () => {
    await ctx.db.updateTable("chain_heads").set({ sequence: 5 }).execute();
    expect((await report()).broken?.reason).toContain("signature");
  });
});
