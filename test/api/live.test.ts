import { randomInt } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Actor } from "../../src/access/actor.ts";
import { recordEvent } from "../../src/audit/record-event.ts";
import { type Sealer, sealEvents } from "../../src/audit/seal-events.ts";
import { signingKey } from "../../src/audit/signing-key.ts";
import { type Context, inTransaction } from "../../src/context.ts";
import { DomainError } from "../../src/kernel/errors.ts";
import { newId } from "../../src/kernel/id.ts";
import { createProject } from "../../src/projects/create-project.ts";
import { insertCandidate } from "../../src/releases/release-candidate-store.ts";
import { ensureRelease } from "../../src/releases/release-store.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { type LiveReader, readLive, type ReadOptions } from "../support/live-reader.ts";
import { type ApiServer, byName, startApi } from "./api-server.ts";

const PATIENCE = { timeout: 20_000 };
/** So that tests need not wait. */
const QUICK = { heartbeatMillis: 50, recheckMillis: 50, stallMillis: 200 };

/** A candidate as cutting one makes it, less the commit that is looked up. */
async function candidateOf(ctx: Context, projectId: string, releaseVersion: string, number: number) {
  const now = new Date();
  return {
    id: newId(now),
    releaseId: await ensureRelease(ctx.db, projectId, releaseVersion, now),
    projectId,
    releaseVersion,
    version: `${releaseVersion}-rc${number}`,
    number,
    commit: "a".repeat(40),
    buildStatus: "ready" as const,
    buildError: "",
    createdBy: "system",
    createdByUserId: null,
    createdAt: now,
  };
}

describe("the live stream of a project", () => {
  eachEngine((engine) => {
    let ctx: Context;
    let server: ApiServer;
    let sealer: Sealer;
    let shop: string;
    const people: Record<string, Partial<Actor>> = {};
    const readers: LiveReader[] = [];

    beforeAll(async () => {
      ctx = testContext((await engine.open()).db);
      shop = (await createProject(ctx, { key: "shop", name: "Shop" })).id;
      await createProject(ctx, { key: "other", name: "Other" });
      Object.assign(people, { viewer: { roles: { [shop]: "viewer" } }, stranger: {} });
      server = await startApi(ctx, byName(people), QUICK);
      sealer = { holder: "test", signer: await signingKey(ctx) };
      await sealEvents(ctx, sealer, shop);
    });
    afterEach(async () => {
      for (const reader of readers.splice(0)) await reader.leave();
    });
    afterAll(() => server.close());

    const newest = async (): Promise<number> => {
      const heads = await ctx.db
        .selectFrom("chain_heads")
        .select("sequence")
        .where("chain", "=", shop)
        .execute();
      return heads[0]?.sequence ?? 0;
    };
    const open = async (options: Partial<ReadOptions> = {}): Promise<LiveReader> => {
      const reader = await readLive(server.url, "shop", { token: "viewer", ...options });
      readers.push(reader);
      return reader;
    };
    const record = async (...subjects: readonly string[]): Promise<void> => {
      for (const subjectId of subjects)
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
      await record("one", "two");
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

    it("tells what happens to environments, freezes and deployments, by their own ids", async () => {
      people["root"] = { systemAdmin: true };
      const reader = await open();
      const must = async (method: string, path: string, body?: object): Promise<{ id: string }> => {
        const answer = await server.send("root", method, path, body);
        expect(answer.status).toBeLessThan(300);
        return answer.body as { id: string };
      };
      const environment = await must("POST", "/v1/projects/shop/environments", { name: "live" });
      await insertCandidate(ctx.db, await candidateOf(ctx, shop, "7.0.0", 1));
      const word = { version: "7.0.0-rc1", status: "success" };
      const deployment = await must("POST", "/v1/projects/shop/environments/live/report", word);
      const freeze = await must("POST", "/v1/freezes", {
        name: "quiet",
        place: { project: "shop" },
        reason: "x",
      });
      await must("POST", "/v1/freezes/quiet/lift");
      await sealEvents(ctx, sealer, shop);
      const told = (): unknown[] =>
        reader.events.map(({ data }) => {
          const { kind, subjectId } = JSON.parse(data) as { kind: string; subjectId: string };
          return [kind, subjectId];
        });
      await expect.poll(told, PATIENCE).toEqual([
        ["environment.created", environment.id],
        ["deployment.reported", deployment.id],
        ["deployment.succeeded", deployment.id],
        ["freeze.created", freeze.id],
        ["freeze.lifted", freeze.id],
      ]);
    });

    it("says something while nothing happens", async () => {
      const reader = await open();
      await expect.poll(() => reader.text().split(": heartbeat\n\n").length, PATIENCE).toBeGreaterThan(3);
      expect(reader.events).toEqual([]);
    });

    it("goes on behind the last event that the client names, in the header or, failing that, in the address", async () => {
      const before = await newest();
      await record("three", "four", "five");
      const header = await open({ lastEventId: before + 1, query: "?lastEventId=0" });
      const address = await open({ query: `?lastEventId=${before + 2}` });
      const empty = await open({ query: "?lastEventId=" });
      await record("six");
      await expect.poll(() => subjects(header), PATIENCE).toEqual(["four", "five", "six"]);
      await expect.poll(() => subjects(address), PATIENCE).toEqual(["five", "six"]);
      await expect.poll(() => subjects(empty), PATIENCE).toEqual(["six"]);
    });

    it("tells all of a history that is longer than a page and than what is kept in memory", async () => {
      const before = await newest();
      await inTransaction(ctx, async (tx) => {
        for (let count = 0; count < 1100; count += 1)
          await recordEvent(tx, { kind: "release.created", projectId: shop, subjectId: `h${count}` });
      });
      const during = await open();
      while ((await sealEvents(ctx, sealer, shop))?.more);
      const after = await open({ lastEventId: before });
      const expected = Array.from({ length: 1100 }, (_, count) => `h${count}`);
      await expect.poll(() => subjects(during).length, PATIENCE).toBe(1100);
      await expect.poll(() => subjects(after).length, PATIENCE).toBe(1100);
      expect(subjects(during)).toEqual(expected);
      expect(subjects(after)).toEqual(expected);
    });

    it("refuses an id that is none or that no event has yet", async () => {
      const ask = (options: Partial<ReadOptions>) => open(options);
      for (const lastEventId of [
        "one",
        "-1",
        "1.5",
        "1e3",
        "0x1",
        "9".repeat(16),
        String((await newest()) + 1),
      ]) {
        const reader = await ask({ lastEventId });
        await reader.ended;
        expect([lastEventId, reader.status]).toEqual([lastEventId, 400]);
        expect(reader.headers.get("content-type")).toMatch(/^application\/problem\+json/);
        expect(JSON.parse(reader.text())).toMatchObject({ type: "urn:headgate:error:INPUT_INVALID" });
      }
      expect((await ask({ query: "?lastEventId=x" })).status).toBe(400);
      expect((await ask({ query: "?since=1" })).status).toBe(400);
    });

    it("is as unknown as its project to those who may not see it, and takes GET alone", async () => {
      expect((await open({ token: "stranger" })).status).toBe(404);
      expect((await open({ token: "nobody" })).status).toBe(401);
      expect((await server.send("viewer", "GET", "/v1/projects/other/live")).status).toBe(404);
      expect(
        (await server.send("viewer", "GET", `/v1/projects/shop/live?release=${"0".repeat(24)}`)).status,
      ).toBe(404);
      const head = await server.send("viewer", "HEAD", "/v1/projects/shop/live");
      expect([head.status, head.headers.get("allow")]).toEqual([405, "GET"]);
    });

    it("ends with the reason when the token is not good any more, or the role is gone", async () => {
      people["guest"] = { roles: { [shop]: "viewer" } };
      people["member"] = { roles: { [shop]: "admin" } };
      const guest = await open({ token: "guest" });
      const member = await open({ token: "member" });
      const viewer = await open();
      delete people["guest"];
      people["member"] = { roles: {} };
      expect(await guest.ended).toBe(true);
      expect(await member.ended).toBe(true);
      await record("after they were gone");
      const last = (reader: LiveReader): unknown[] =>
        reader.events.map(({ event, data }) => [event, JSON.parse(data) as unknown]);
      expect(last(guest)).toEqual([["end", { reason: "UNAUTHENTICATED", detail: expect.any(String) }]]);
      expect(last(member)).toEqual([
        ["end", { reason: "PROJECT_NOT_FOUND", detail: "Unknown project shop" }],
      ]);
      await expect.poll(() => subjects(viewer), PATIENCE).toEqual(["after they were gone"]);
    });

    it.each([
      ["for a reason that nobody foresaw", new Error("a table is gone")],
      ["as the database is away", new DomainError("UNAVAILABLE")],
    ])(
      "breaks off, for the client to come back, when nobody can tell whether it may go on (%s)",
      async (_, reason) => {
        let isAway = false;
        const tell = byName(people);
        const shaky = await startApi(
          ctx,
          async (...asked) => {
            if (isAway) throw reason;
            return tell(...asked);
          },
          { recheckMillis: 50 },
        );
        const reader = await readLive(shaky.url, "shop", { token: "viewer" });
        isAway = true;
        expect(await reader.ended).toBe(false);
        expect(reader.events).toEqual([]);
        await shaky.close();
      },
    );

    it("gives each user so many streams, and all together so many; one that ends makes room", async () => {
      const small = await startApi(ctx, byName(people), { perUser: 2, together: 3 });
      people["second"] = { roles: { [shop]: "viewer" } };
      const read = (token: string) => readLive(small.url, "shop", { token });
      const [one, two] = [await read("viewer"), await read("viewer")];
      const third = await read("viewer");
      expect([one.status, two.status, third.status]).toEqual([200, 200, 429]);
      expect(third.headers.get("retry-after")).toBe("30");
      const other = await read("second");
      expect([other.status, (await read("second")).status]).toEqual([200, 429]);
      await one.leave();
      const freed: LiveReader[] = [];
      await expect
        .poll(async () => {
          freed.push(await read("second"));
          return freed.at(-1)?.status;
        }, PATIENCE)
        .toBe(200);
      for (const reader of [two, other, ...freed]) await reader.leave();
      await small.close();
    });

    it("ends as a whole answer when the server stops", async () => {
      const stopping = await startApi(ctx, byName(people));
      const some = await Promise.all(
        Array.from({ length: 10 }, () => readLive(stopping.url, "shop", { token: "viewer" })),
      );
      await Promise.all([stopping.close(), ...some.map(async ({ ended }) => expect(await ended).toBe(true))]);
      expect(some.flatMap(({ events }) => events)).toEqual([]);
    });

    it("is closed to a reader that takes nothing", async () => {
      // Enough to fill what the system keeps for a connection.
      const long = "x".repeat(64 * 1024);
      await inTransaction(ctx, async (tx) => {
        for (let count = 0; count < 200; count += 1)
          await recordEvent(
            { ...tx, actor: { ...tx.actor, name: long } },
            { kind: "release.created", projectId: shop, subjectId: `long ${count}` },
          );
      });
      const before = await newest();
      await sealEvents(ctx, sealer, shop);
      const single = await startApi(ctx, byName(people), { perUser: 1, ...QUICK });
      const socket = connect(Number(new URL(single.url).port), "127.0.0.1");
      await once(socket, "connect");
      socket.on("error", () => undefined);
      socket.write(
        `GET /v1/projects/shop/live?lastEventId=${before} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer viewer\r\n\r\n`,
      );
      await once(socket, "readable");
      const read = () => readLive(single.url, "shop", { token: "viewer" });
      expect((await read()).status).toBe(429);
      const later: LiveReader[] = [];
      await expect
        .poll(async () => {
          later.push(await read());
          return later.at(-1)?.status;
        }, PATIENCE)
        .toBe(200);
      for (const reader of later) await reader.leave();
      socket.destroy();
      await single.close();
    });

    it("gives every event once and in order to readers that come and go while many write", async () => {
      const begin = await newest();
      let writing = true;
      const write = async (writer: number): Promise<void> => {
        for (let count = 0; count < 20; count += 1)
          await inTransaction(ctx, async (tx) => {
            for (const part of ["a", "b"])
              await recordEvent(tx, {
                kind: "release.created",
                projectId: shop,
                subjectId: `${writer}-${count}-${part}`,
              });
            await pause(randomInt(3));
          });
      };
      const seal = async (): Promise<void> => {
        while (writing) {
          await sealEvents(ctx, sealer, shop);
          await pause(randomInt(20));
        }
      };
      const end = begin + 6 * 20 * 2;
      const follow = async (): Promise<number[]> => {
        const seen: number[] = [];
        while ((seen.at(-1) ?? begin) < end) {
          const reader = await readLive(server.url, "shop", {
            token: "viewer",
            lastEventId: seen.at(-1) ?? begin,
          });
          expect(reader.status).toBe(200);
          const wanted = randomInt(1, 40);
          const leavesAt = Date.now() + randomInt(5, 200);
          while (reader.events.length < wanted && Date.now() < leavesAt) await pause(2);
          await reader.leave();
          seen.push(...reader.events.map(({ lastId }) => Number(lastId)));
        }
        return seen;
      };
      const readings = Promise.all(Array.from({ length: 5 }, follow));
      const sealing = seal();
      await Promise.all(Array.from({ length: 6 }, (_, writer) => write(writer)));
      const seen = await readings;
      writing = false;
      await sealing;
      const all = Array.from({ length: end - begin }, (_, index) => begin + 1 + index);
      for (const one of seen) expect(one).toEqual(all);
    });
  });
});
