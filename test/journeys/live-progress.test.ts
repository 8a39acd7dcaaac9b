import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { recordEvent } from "../../src/audit/record-event.ts";
import { inTransaction } from "../../src/context.ts";
import { applyChanges, DistributionProgress } from "../../src/distributions/distribution-progress.ts";
import type { ReceivedEvent } from "../../src/kernel/event-stream.ts";
import { eachEngine, onPostgres } from "../support/databases.ts";
import { pushTestImage } from "../support/images.ts";
import { type LiveReader, readLive } from "../support/live-reader.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { type RegistryProxy, startRegistryProxy } from "../support/registry-proxy.ts";
import {
  type Client,
  clientOf,
  settingsFor,
  startTestServer,
  type TestServer,
  valueAt,
} from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { startWorkerProgram } from "../support/task-program.ts";
import { connect, makeProject } from "../support/zadig-project.ts";

const MIB = 1024 * 1024;
const PATIENCE = { timeout: 45_000 };
const BYTES_COME = /^(PUT|PATCH) .*\/blobs\/uploads/;

const isProgress = ({ event }: ReceivedEvent): boolean => event === "progress";
const progressIn = (events: readonly ReceivedEvent[]): DistributionProgress[] =>
  events.filter(isProgress).map(({ data }) => DistributionProgress.parse(JSON.parse(data)));
/** What the reader of these changes knew after each of them. */
function knownAfter(changes: readonly DistributionProgress[]): DistributionProgress[] {
  let known: DistributionProgress | null = null;
  return changes.map((one) => (known = applyChanges(known, one)));
}

function lastOf(known: readonly DistributionProgress[]): DistributionProgress {
  const last = known.at(-1);
  if (!last) throw new Error("nothing was told");
  return last;
}

/** Matches what tells of this release. */
const namesOf = ({ release, distribution }: { release: string; distribution: string }): RegExp =>
  new RegExp(`${release}|${distribution}`);

/** Opens a stream with more in it than the system keeps for a connection, and takes none of it. */
async function askAndReadNothing(server: TestServer): Promise<Socket> {
  const { items } = (await server.send("GET", "/v1/projects")).json as { items: { id: string }[] };
  const projectId = items[0]?.id ?? "";
  await inTransaction(server.ctx, async (tx) => {
    const ctx = { ...tx, actor: { ...tx.actor, name: "x".repeat(64 * 1024) } };
    for (let count = 0; count < 200; count += 1)
      await recordEvent(ctx, { kind: "release.created", projectId, subjectId: String(count) });
  });
  const newest = async (): Promise<unknown> =>
    valueAt(
      (await server.send("GET", "/v1/events?project=shop&order=newest&limit=1")).json,
      "items",
      0,
      "sequence",
    );
  await expect.poll(newest, PATIENCE).toBe(201);
  const socket = createConnection(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const lines = [
    "GET /v1/projects/shop/live?lastEventId=0 HTTP/1.1",
    "Host: x",
    `Authorization: Bearer ${server.adminToken}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await once(socket, "readable");
  return socket;
}

describeWith(["docker-registry"], "what is told of copies while they go on", () => {
  let source: TestRegistry;
  let target: TestRegistry;
  let door: RegistryProxy;
  beforeAll(async () => {
    [source, target] = await Promise.all([startRegistry({ auth: "open" }), startRegistry({ auth: "open" })]);
    door = await startRegistryProxy(target);
    for (const name of ["one", "two", "three"])
      await pushTestImage(source.host, `team/${name}`, "1", {
        seed: name,
        layers: [
          { seed: "shared", sizeBytes: 2 * MIB },
          { seed: `own of ${name}`, sizeBytes: MIB / 2 },
        ],
      });
  });
  afterAll(() => Promise.all([door.stop(), source.stop(), target.stop()]));
  const tidy: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    door.heal();
    for (const step of tidy.splice(0).toReversed()) await step();
  });

  const prepareProject = async (server: Client): Promise<void> => {
    await makeProject(server, "shop");
    await connect(server, source, { name: "source", projects: ["shop"] });
    await connect(server, door, { name: "target", projects: ["shop"] });
  };
  /** Posts a version whose images go to repositories of their own below this folder; returns its ids. */
  const begin = async (server: Client, version: string, folder: string, names: readonly string[]) => {
    const images = names.map((name) => ({
      containerName: name,
      sourceImage: `${source.host}/team/${name}:1`,
      targetImage: `${door.host}/${folder}/${name}:1`,
    }));
    const body = { version, targetConnection: "target", services: [{ name: "s", images }] };
    const made = await server.send("POST", "/v1/projects/shop/releases", { body });
    expect([made.status, made.text.slice(0, 200)]).toEqual([201, expect.any(String)]);
    return {
      release: String(valueAt(made.json, "id")),
      distribution: String(valueAt(made.json, "distribution", "id")),
    };
  };

  eachEngine((engine) => {
    test("a copy is told from its beginning to its end, image by image and layer by layer", async () => {
      const server = await startTestServer(await engine.place());
      tidy.push(() => server.stop());
      await prepareProject(server);
      const reader = await readLive(server.url, "shop", { token: server.adminToken });
      tidy.push(() => reader.leave());
      door.disturb(BYTES_COME, { request: { bytesPerSecond: 400_000 } });
      const { release, distribution } = await begin(server, "1", `${engine.kind}/first`, ["one", "two"]);
      const told = () => progressIn(reader.events);
      await expect.poll(() => told().at(-1)?.status, PATIENCE).toBe("success");

      const [first] = told();
      expect(first).toMatchObject({ id: distribution, releaseId: release, version: "1", status: "creating" });
      expect(first?.items.map(({ containerName }) => containerName)).toEqual(["one", "two"]);
      const known = knownAfter(told());
      const last = lastOf(known);
      expect(last).toMatchObject({ verifiedItems: 2, totalItems: 2, movingBytes: 0, bytesPerSecond: null });
      expect(last.verifiedBytes).toBe(last.totalBytes);
      expect(new Set(last.blobs.map(({ state }) => state))).toEqual(new Set(["copied"]));
      // The shared layer, and each image's own one and its configuration.
      expect(last.blobs).toHaveLength(5);
      for (const item of last.items) {
        expect(item).toMatchObject({ status: "verified", movedBytes: item.totalBytes });
        expect(item.blobs).toHaveLength(3);
      }
      const [one, two] = last.items.map(({ blobs = [] }) => blobs);
      const shared = one?.find((digest) => two?.includes(digest));
      const underWay = known.flatMap(({ items, blobs }) =>
        blobs
          .filter(({ digest, state }) => digest === shared && state === "moving")
          .map(({ movedBytes }) => ({ movedBytes, items })),
      );
      expect(underWay.length).toBeGreaterThan(0);
      for (const { movedBytes, items } of underWay)
        for (const item of items) expect(item.movedBytes).toBeGreaterThanOrEqual(movedBytes);
      const paced = known.filter(({ bytesPerSecond }) => bytesPerSecond !== null && bytesPerSecond > 0);
      expect(paced.length).toBeGreaterThan(0);
      for (const { secondsLeft } of paced) expect(secondsLeft).toEqual(expect.any(Number));

      const kinds = (): string[] =>
        reader.events
          .filter((event) => !isProgress(event))
          .map(({ data }) => JSON.parse(data) as { kind: string; subjectId: string })
          .filter(({ subjectId }) => [release, distribution].includes(subjectId))
          .map(({ kind }) => kind);
      await expect.poll(() => kinds().at(-1), PATIENCE).toBe("distribution.succeeded");
      expect(kinds()).toHaveLength(4);
      expect(reader.text()).not.toMatch(/event: progress\nid:/);
    });

    test("what is at the target already says so, and a reader may ask for one release alone", async () => {
      const server = await startTestServer(await engine.place());
      tidy.push(() => server.stop());
      await prepareProject(server);
      const folder = `${engine.kind}/again`;
      const statusOf = async ({ release, distribution }: { release: string; distribution: string }) => {
        const path = `/v1/releases/${release}/distributions/${distribution}`;
        return (await server.send("GET", path)).json;
      };
      const first = await begin(server, "1", folder, ["one"]);
      await expect.poll(async () => valueAt(await statusOf(first), "status"), PATIENCE).toBe("success");
      const gate = Promise.withResolvers<void>();
      door.disturb(BYTES_COME, { until: gate.promise });
      const second = await begin(server, "2", folder, ["one", "three"]);
      const query = `?release=${second.release}`;
      const late = await readLive(server.url, "shop", { token: server.adminToken, query });
      const other = await readLive(server.url, "shop", {
        token: server.adminToken,
        query: `?release=${first.release}`,
      });
      tidy.push(
        () => late.leave(),
        () => other.leave(),
      );
      await expect.poll(() => progressIn(late.events).length, PATIENCE).toBeGreaterThan(0);
      gate.resolve();
      await expect.poll(() => progressIn(late.events).at(-1)?.status, PATIENCE).toBe("success");
      const last = lastOf(knownAfter(progressIn(late.events)));
      const stateOf = new Map(last.blobs.map(({ digest, state }) => [digest, state]));
      const [one, three] = last.items.map(({ blobs = [] }) => blobs);
      expect(one?.map((digest) => stateOf.get(digest))).toEqual(["present", "present", "present"]);
      expect(three?.filter((digest) => !one?.includes(digest)).map((digest) => stateOf.get(digest))).toEqual([
        "copied",
        "copied",
      ]);
      const asked = await statusOf(second);
      expect(valueAt(asked, "blobs")).toEqual(last.blobs);
      expect(valueAt(asked, "items", 1, "blobs")).toEqual(three);
      await expect
        .poll(() => late.events.filter((event) => !isProgress(event)).length, PATIENCE)
        .toBeGreaterThan(0);
      for (const { data } of late.events) expect(data).toMatch(namesOf(second));
      for (const { event, data } of other.events)
        expect([event, data]).toEqual(["message", expect.stringMatching(namesOf(first))]);
    });

    test("a server that stops ends its streams as whole answers, and does not wait for who reads nothing", async () => {
      const server = await startTestServer(await engine.place());
      await makeProject(server, "shop");
      const deaf = await askAndReadNothing(server);
      const readers = await Promise.all(
        Array.from({ length: 20 }, () => readLive(server.url, "shop", { token: server.adminToken })),
      );
      await server.stop();
      expect(await Promise.all(readers.map(({ ended }) => ended))).toEqual(readers.map(() => true));
      deaf.destroy();
    });
  });

  onPostgres((engine) => {
    test(
      "a reader whose server is killed goes on at another one: every event once, and the copy's progress",
      { timeout: 240_000 },
      async () => {
        const settings = await settingsFor(await engine.place());
        const token = settings.HEADGATE_ADMIN_TOKEN;
        const worker = await startWorkerProgram(settings);
        const servers = await Promise.all([0, 1].map(() => startServerProcess(settings, "--without-tasks")));
        tidy.push(() => worker.kill(), ...[0, 1].map((index) => async () => servers[index]?.kill()));
        const serverAt = (index: number) => {
          const server = servers[index];
          if (!server) throw new Error("there are two");
          return server;
        };
        const clientAt = (index: number) => clientOf(serverAt(index).url, token);
        await prepareProject(clientAt(0));
        const gate = Promise.withResolvers<void>();
        door.disturb(BYTES_COME, { request: { stopAfter: 100_000, until: gate.promise } });
        const { distribution } = await begin(clientAt(0), "1", "replicas", ["one", "two", "three"]);

        let lastId = "0";
        const ids: number[] = [];
        const read = (index: number): Promise<LiveReader> =>
          readLive(serverAt(index).url, "shop", { token, lastEventId: lastId });
        const keep = (reader: LiveReader): void => {
          ids.push(
            ...reader.events.filter((event) => !isProgress(event)).map((event) => Number(event.lastId)),
          );
          lastId = String(ids.at(-1) ?? lastId);
        };
        const moving = (reader: LiveReader): boolean =>
          progressIn(reader.events).some(({ id, movingBytes }) => id === distribution && movingBytes > 0);
        const write = async (index: number, names: readonly string[]): Promise<void> => {
          for (const name of names)
            expect(
              (await clientAt(index).send("POST", "/v1/projects/shop/services", { body: { name } })).status,
            ).toBe(201);
        };
        for (let round = 0; round < 4; round += 1) {
          const [doomed, other] = [round % 2, (round + 1) % 2];
          const reader = await read(doomed);
          expect(reader.status).toBe(200);
          await write(other, [`a${round}`, `b${round}`, `c${round}`]);
          await expect.poll(() => reader.events.length, PATIENCE).toBeGreaterThan(2);
          // What the worker does is told by either server, which only see its row.
          await expect.poll(() => moving(reader), PATIENCE).toBe(true);
          const writing = write(other, [`d${round}`, `e${round}`, `f${round}`]);
          await serverAt(doomed).kill();
          expect(await reader.ended).toBe(false);
          keep(reader);
          await writing;
          servers[doomed] = await startServerProcess(settings, "--without-tasks");
        }
        const last = await read(0);
        tidy.push(() => last.leave());
        await expect.poll(() => moving(last), PATIENCE).toBe(true);
        gate.resolve();
        door.heal();
        await expect.poll(() => progressIn(last.events).at(-1)?.status, PATIENCE).toBe("success");
        const all = async (): Promise<number[]> => {
          const { json } = await clientAt(1).send("GET", "/v1/events?project=shop&limit=200");
          return (valueAt(json, "items") as { sequence: number }[]).map(({ sequence }) => sequence);
        };
        await expect
          .poll(async () => last.events.filter((event) => !isProgress(event)).length + ids.length, PATIENCE)
          .toBe((await all()).length);
        keep(last);
        const listed = await all();
        expect(listed.length).toBeGreaterThan(24);
        expect(ids).toEqual(listed);
      },
    );
  });
});
