import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { COPY_DISTRIBUTION } from "../../src/distributions/copy-request.ts";
import { verifyChain } from "../../src/kernel/verify-chain.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { onPostgres } from "../support/databases.ts";
import { pushTestImage, type TestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { startRegistryProxy } from "../support/registry-proxy.ts";
import { type Client, clientOf, settingsFor, valueAt } from "../support/server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { skopeoManifest } from "../support/skopeo.ts";
import { startWorkerProgram } from "../support/task-program.ts";
import { connect, makeProject } from "../support/zadig-project.ts";

const MIB = 1024 * 1024;
const IMAGES = ["one", "two", "three"] as const;
const VERSIONS = ["v1", "v2", "v3", "v4", "v5", "v6"] as const;
const BYTES_COME = /^(PUT|PATCH) .*\/blobs\/uploads/;

/** Two servers without tasks and two workers, all on one PostgreSQL. */
describeWith(["docker-registry", "skopeo"], "two servers and two workers on one database", () => {
  onPostgres((engine) => {
    let source: TestRegistry;
    let images: readonly TestImage[];
    beforeAll(async () => {
      source = await startRegistry({ auth: "open" });
      images = await Promise.all(
        IMAGES.map((name) =>
          pushTestImage(source.host, `team/${name}`, "1", {
            seed: name,
            layers: [
              { seed: "shared", sizeBytes: 8 * MIB },
              { seed: `own of ${name}`, sizeBytes: 2 * MIB },
            ],
          }),
        ),
      );
    });
    afterAll(() => source.stop());
    const tidy: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const step of tidy.splice(0).toReversed()) await step();
    });

    const releaseBody = (version: string, host: string) => ({
      version,
      targetConnection: "target",
      services: [
        {
          name: "s",
          images: IMAGES.map((name) => ({
            containerName: name,
            sourceImage: `${source.host}/team/${name}:1`,
            targetImage: `${host}/${version}/${name}:1`,
          })),
        },
      ],
    });
    const lengthsByDigest = () =>
      new Map(images.flatMap(({ blobs }) => blobs).map(({ digest, bytes }) => [digest, bytes.length]));
    const uniqueBytes = () => [...lengthsByDigest().values()].reduce((sum, bytes) => sum + bytes, 0);

    async function startReplicas() {
      const place = await engine.place();
      const settings = await settingsFor(place);
      // All at once on an empty database: they take turns to bring it up to date.
      const [first, second, doomed, survivor] = await Promise.all([
        startServerProcess(settings, "--without-tasks"),
        startServerProcess(settings, "--without-tasks"),
        startWorkerProgram(settings),
        startWorkerProgram(settings),
      ]);
      for (const one of [first, second, doomed, survivor]) tidy.push(() => one.kill());
      const clients = [first, second].map(({ url }: ServerProcess) =>
        clientOf(url, settings.HEADGATE_ADMIN_TOKEN),
      );
      const [left = clientOf("", ""), right = clientOf("", "")] = clients;
      return { place, first, second, doomed, survivor, left, right };
    }

    const releasesOf = async (client: Client) =>
      (await client.send("GET", "/v1/projects/shop/releases?limit=100")).json;
    const statusesOf = async (client: Client) =>
      (valueAt(await releasesOf(client), "items") as readonly unknown[]).map((line) =>
        valueAt(line, "distribution", "status"),
      );

    test(
      "a version has one winner, a killed worker's copies are taken over, and both servers tell the same",
      { timeout: 240_000 },
      async () => {
        const target = await startRegistry({ auth: "open" });
        const door = await startRegistryProxy(target);
        tidy.push(
          () => target.stop(),
          () => door.stop(),
        );
        const { place, first, second, doomed, survivor, left, right } = await startReplicas();
        await makeProject(left, "shop");
        await connect(right, source, { name: "source", projects: ["shop"] });
        await connect(right, door, { name: "target", projects: ["shop"] });

        const gate = Promise.withResolvers<void>();
        door.disturb(BYTES_COME, { until: gate.promise });
        const answers = await Promise.all(
          VERSIONS.flatMap((version) =>
            [left, right].map(async (client) => {
              const body = releaseBody(version, door.host);
              const { status } = await client.send("POST", "/v1/projects/shop/releases", { body });
              return `${version} ${status}`;
            }),
          ),
        );
        expect(answers.toSorted()).toEqual(
          VERSIONS.flatMap((version) => [`${version} 201`, `${version} 409`]),
        );

        // A worker takes four copies at most: with all six under way, both are at work.
        const { db, close } = await openDatabase(place);
        tidy.push(close);
        const copies = () => db.selectFrom("tasks").selectAll().where("kind", "=", COPY_DISTRIBUTION.kind);
        const runsByOwner = async () =>
          Map.groupBy(await copies().where("state", "=", "running").execute(), (task) => task.lease_owner);
        await expect.poll(async () => (await runsByOwner()).size, { timeout: 60_000 }).toBe(2);
        await expect
          .poll(() => door.asked.some((line) => BYTES_COME.test(line)), { timeout: 60_000 })
          .toBe(true);
        await doomed.kill();
        gate.resolve();
        door.heal();

        await expect
          .poll(() => statusesOf(left), { timeout: 120_000, interval: 250 })
          .toEqual(VERSIONS.map(() => "success"));
        expect(await releasesOf(right)).toEqual(await releasesOf(left));
        await expect.poll(async () => (await runsByOwner()).size).toBe(0);
        const ended = await copies().execute();
        expect(ended.map(({ state, attempt, error }) => ({ state, attempt, error }))).toEqual(
          VERSIONS.map(() => ({ state: "done", attempt: 1, error: null })),
        );
        expect(ended.filter(({ fence }) => fence > 1).length).toBeGreaterThan(0);

        for (const version of VERSIONS) {
          const [one, other] = await Promise.all(
            [left, right].map((client) => client.send("GET", `/v1/projects/shop/releases/${version}`)),
          );
          expect(one?.json).toEqual(other?.json);
          expect(valueAt(one?.json, "distribution")).toMatchObject({
            totalBytes: uniqueBytes(),
            verifiedBytes: uniqueBytes(),
            verifiedItems: IMAGES.length,
          });
          for (const [index, name] of IMAGES.entries())
            expect(await skopeoManifest(target, `${version}/${name}`, ":1")).toEqual(
              images[index]?.top.bytes,
            );
        }

        const exported = async (client: Client) =>
          (await client.send("GET", "/v1/events/export?project=shop")).text.trimEnd().split("\n");
        await expect
          .poll(async () => (await verifyChain(await exported(left))).unsealed, { timeout: 20_000 })
          .toBe(0);
        const lines = await exported(right);
        expect(await verifyChain(lines)).toMatchObject({ broken: null, unsealed: 0 });
        for (const kind of ["release.created", "distribution.succeeded"])
          expect(lines.filter((line) => line.includes(`"kind":"${kind}"`))).toHaveLength(VERSIONS.length);

        const statuses = await Promise.all([first.stop(), second.stop(), survivor.stop()]);
        expect(statuses).toEqual([0, 0, 0]);
      },
    );
  });
});
