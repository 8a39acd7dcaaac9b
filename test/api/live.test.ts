import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordEvent } from "../../src/audit/record-event.ts";
import { type Sealer, sealEvents } from "../../src/audit/seal-events.ts";
import { signingKey } from "../../src/audit/signing-key.ts";
import type { Actor } from "../../src/access/actor.ts";
import type { Context } from "../../src/context.ts";
import { createProject } from "../../src/projects/create-project.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { type LiveReader, readLive, type ReadOptions } from "../support/live-reader.ts";
import { type ApiServer, byName, startApi } from "./api-server.ts";

const PATIENCE = { timeout: 20_000 };

describe("the live stream of a project", () => {
  eachEngine((engine) => {
    let ctx: Context;
    let server: ApiServer;
    let sealer: Sealer;
    let shop: string;
    const people: Record<string, Partial<Actor>> = { root: { systemAdmin: true }, stranger: {} };
    const readers: LiveReader[] = [];

    beforeAll(async () => {
      ctx = testContext((await engine.open()).db);
      shop = (await createProject(ctx, { key: "shop", name: "Shop" })).id;
      people["viewer"] = { roles: { [shop]: "viewer" } };
      server = await startApi(ctx, byName(people), { heartbeatMillis: 50, recheckMillis: 50 });
      sealer = { holder: "test", signer: await signingKey(ctx) };
      await sealEvents(ctx, sealer, shop);
    });
    afterAll(async () => {
      for (const reader of readers) await reader.leave();
      await server.close();
    });

    const newest = async (): Promise<number> => {
      const head = await ctx.db
        .selectFrom("chain_heads")
        .select("sequence")
        .where("chain", "=", shop)
        .execute();
      return head[0]?.sequence ?? 0;
    };
    const open = async (options: Partial<ReadOptions> = {}): Promise<LiveReader> => {
      const reader = await readLive(server.url, "shop", { token: "viewer", ...options });
      readers.push(reader);
      return reader;
    };
    const record = async (subjectId: string): Promise<void> => {
      await recordEvent(ctx, { kind: "release.created", projectId: shop, subjectId });
      await sealEvents(ctx, sealer, shop);
    };
    const subjects = (reader: LiveReader): unknown[] =>
      reader.events.map(({ data }) => (JSON.parse(data) as { subjectId: unknown }).subjectId);

    it("tells events as they are sealed, each with its sequence as its id", async () => {
      const reader = await open();
      expect(reader.status).toBe(200);
      expect(reader.headers.get("content-type")).toBe("text/event-stream");
      expect(reader.headers.get("cache-control")).toBe("no-store");
      expect(reader.headers.get("x-accel-buffering")).toBe("no");
      const before = await newest();
      await record("one");
      await record("two");
      await expect.poll(() => subjects(reader), PATIENCE).toEqual(["one", "two"]);
      expect(reader.text()).toMatch(new RegExp(`^retry: \\d{4}\nid: ${before}\n\n`));
      expect(reader.events.map(({ lastId }) => Number(lastId))).toEqual([before + 1, before + 2]);
      expect(JSON.parse(reader.events[0]?.data ?? "")).toEqual({
        sequence: before + 1,
        id: expect.stringMatching(/^[0-9a-f]{24}$/),
        kind: "release.created",
        projectId: shop,
        subjectId: "one",
        actor: { name: "system", userId: null, tokenId: null },
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      });
    });

    it("says something while nothing happens", async () => {
      const reader = await open();
      await expect.poll(() => reader.text().split(": heartbeat\n\n").length, PATIENCE).toBeGreaterThan(3);
      expect(reader.events).toEqual([]);
    });
  });
});
