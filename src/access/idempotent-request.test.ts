import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { Instant } from "../kernel/time.ts";
import { as, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { idempotently, idempotentlyPrepared } from "./idempotent-request.ts";

const Thing = z.object({ name: z.string(), madeAt: Instant, secret: z.string().nullable() });
type Thing = z.output<typeof Thing>;
const kept = { schema: Thing, secretField: "secret" };
const HOUR = 60 * 60 * 1000;

describe("a request with an Idempotency-Key", () => {
  eachEngine((engine) => {
    let ctx: Context;
    beforeAll(async () => {
      ctx = testContext((await engine.open()).db);
    });

    /** Writes a setting, so that a test sees how often the work was really done and committed. */
    const makeThing =
      (name: string) =>
      async (tx: Context): Promise<Thing> => {
        await tx.db.insertInto("settings").values({ name, value: "made" }).execute();
        return { name, madeAt: new Date(1_700_000_000_000), secret: "hush" };
      };
    const exists = async (name: string): Promise<boolean> =>
      (await ctx.db.selectFrom("settings").selectAll().where("name", "=", name).execute()).length > 0;

    it("answers the second time like the first, without the secret and without doing it again", async () => {
      const asked = { route: "POST /things", key: "once", request: { name: "once" } };
      const first = await idempotently(ctx, asked, kept, makeThing("once"));
      expect(first).toMatchObject({ replayed: false, reply: { name: "once", secret: "hush" } });
      const again = await idempotently(ctx, asked, kept, makeThing("once"));
      expect(again).toEqual({ replayed: true, reply: { ...first.reply, secret: null } });
      const rows = await ctx.db.selectFrom("idempotency_keys").select("reply_json").execute();
      expect(JSON.stringify(rows)).not.toContain("hush");
    });

    it("prepares outside of the transaction in which the work is done, and not again for a repeat", async () => {
      const asked = { route: "r", key: "prepared", request: null };
      const seen: string[] = [];
      const note = (what: string, { db }: Context) =>
        void seen.push(`${what} ${db.isTransaction ? "inside" : "outside"}`);
      const ask = () =>
        idempotentlyPrepared(ctx, asked, kept, async (preparing) => {
          note("prepared", preparing);
          return (tx) => {
            note("done", tx);
            return makeThing("prepared")(tx);
          };
        });
      expect([(await ask()).replayed, (await ask()).replayed]).toEqual([false, true]);
      expect(seen).toEqual(["prepared outside", "done inside"]);
    });

    it("refuses the key with another request", async () => {
      await idempotently(ctx, { route: "r", key: "other", request: { name: 1 } }, kept, makeThing("other"));
      await expect(
        idempotently(ctx, { route: "r", key: "other", request: { name: 2 } }, kept, makeThing("other-2")),
      ).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH" });
      expect(await exists("other-2")).toBe(false);
    });

    it("keeps routes and actors apart", async () => {
      const asked = { route: "r1", key: "apart", request: null };
      await idempotently(ctx, asked, kept, makeThing("apart-1"));
      const otherRoute = await idempotently(ctx, { ...asked, route: "r2" }, kept, makeThing("apart-2"));
      const other = await idempotently(as(ctx, { userId: "u" }), asked, kept, makeThing("apart-3"));
      expect([otherRoute.replayed, other.replayed]).toEqual([false, false]);
    });

    it("lets exactly one of several at once do it; the others are told that it runs, or get its reply", async () => {
      const asked = { route: "r", key: "race", request: null };
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => idempotently(ctx, asked, kept, makeThing("race"))),
      );
      const done = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
      expect(done.filter((result) => !result.replayed)).toHaveLength(1);
      const refused = results.filter((result) => result.status === "rejected");
      for (const { reason } of refused) expect(reason).toMatchObject({ code: "IDEMPOTENCY_RUNNING" });
    });

    it("tells a second request that the first one runs", async () => {
      const asked = { route: "r", key: "running", request: null };
      const inside = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const first = idempotently(ctx, asked, kept, async (tx) => {
        inside.resolve();
        await goOn.promise;
        return await makeThing("running")(tx);
      });
      await inside.promise;
      await expect(idempotently(ctx, asked, kept, makeThing("running"))).rejects.toMatchObject({
        code: "IDEMPOTENCY_RUNNING",
      });
      goOn.resolve();
      expect(await first).toMatchObject({ replayed: false });
    });

    it("forgets a request that failed, together with all that it wrote", async () => {
      const asked = { route: "r", key: "fails", request: null };
      const failing = idempotently(ctx, asked, kept, async (tx) => {
        await makeThing("fails")(tx);
        throw new DomainError("PROJECT_EXISTS");
      });
      await expect(failing).rejects.toMatchObject({ code: "PROJECT_EXISTS" });
      expect(await exists("fails")).toBe(false);
      expect(await idempotently(ctx, asked, kept, makeThing("fails"))).toMatchObject({ replayed: false });
    });

    it("forgets after 24 hours", async () => {
      const asked = { route: "r", key: "day", request: null };
      await idempotently(ctx, asked, kept, makeThing("day-1"));
      const at = (hours: number): Context => ({ ...ctx, now: () => new Date(Date.now() + hours * HOUR) });
      expect(await idempotently(at(23), asked, kept, makeThing("day-2"))).toMatchObject({ replayed: true });
      expect(await idempotently(at(25), asked, kept, makeThing("day-2"))).toMatchObject({ replayed: false });
    });

    it("takes over from a process that died in the middle, and a zombie's work is undone", async () => {
      const asked = { route: "r", key: "dead", request: null };
      const later: Context = { ...ctx, now: () => new Date(Date.now() + 61_000) };
      const zombie = idempotently(ctx, asked, kept, async (tx) => {
        const reply = await makeThing("dead-1")(tx);
        // What a take-over does to the row, seen from inside: the claim is somebody else's now.
        await tx.db
          .updateTable("idempotency_keys")
          .set({ created_at: 1 })
          .where("key", "=", "dead")
          .execute();
        return reply;
      });
      await expect(zombie).rejects.toMatchObject({ code: "IDEMPOTENCY_RUNNING" });
      expect(await exists("dead-1")).toBe(false);

      const claimed = { actor: ctx.actor.name, route: "r", key: "died", request_hash: "", reply_json: null };
      const nullHash = "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b";
      await ctx.db
        .insertInto("idempotency_keys")
        .values({ ...claimed, request_hash: nullHash, created_at: Date.now() })
        .execute();
      const again = { ...asked, key: "died" };
      await expect(idempotently(ctx, again, kept, makeThing("dead-2"))).rejects.toMatchObject({
        code: "IDEMPOTENCY_RUNNING",
      });
      expect(await idempotently(later, again, kept, makeThing("dead-2"))).toMatchObject({ replayed: false });
    });

    it("refuses a key that no header should carry", async () => {
      for (const key of ["", "a b", "ä", "x".repeat(256)])
        await expect(
          idempotently(ctx, { route: "r", key, request: null }, kept, makeThing("bad")),
        ).rejects.toMatchObject({ code: "INPUT_INVALID" });
    });
  });
});
