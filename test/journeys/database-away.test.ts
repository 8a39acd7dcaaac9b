import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DatabaseDoor, startDatabaseDoor } from "../support/database-door.ts";
import { onPostgres } from "../support/databases.ts";
import { pushTestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry } from "../support/registries.ts";
import { startRegistryProxy } from "../support/registry-proxy.ts";
import { settingsFor, startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { skopeoManifest } from "../support/skopeo.ts";
import { connect, create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

onPostgres((engine) => {
  test.each(["shut", "freeze"] as const)(
    "a server whose database is away (%s) ends by itself when it is asked to",
    async (how) => {
      const place = await engine.place();
      if (place.kind !== "postgres") throw new Error("this is about PostgreSQL");
      const door = await startDatabaseDoor(place.url);
      const server = await startServerProcess({ ...(await settingsFor(place)), DATABASE_URL: door.url });
      door[how]();
      // Null would mean that somebody had to kill it.
      expect(await server.stop()).not.toBeNull();
      await door.stop();
    },
  );
});

const BYTES_COME = /^(PUT|PATCH) .*\/blobs\/uploads/;

/** A server whose PostgreSQL goes away and comes back. */
onPostgres((engine) => {
  let door: DatabaseDoor;
  let server: TestServer;
  beforeAll(async () => {
    const place = await engine.place();
    if (place.kind !== "postgres") throw new Error("this is about PostgreSQL");
    door = await startDatabaseDoor(place.url);
    server = await startTestServer({ kind: "postgres", url: door.url });
    await makeProject(server, "shop");
  });
  afterAll(async () => {
    door.open();
    await server.stop();
    await door.stop();
  });
  const status = async (path: string) => (await server.send("GET", path)).status;

  test("requests are answered meanwhile, each in its API's own form", async () => {
    door.shut();
    const list = await server.send("GET", `${RELEASES}?projectKey=shop&pageNum=1&pageSize=1`);
    expect(list).toMatchObject({ status: 503, json: { code: 503, message: "Service Unavailable" } });
    expect((await create(server, plainBody({ version_name: "lost" }))).status).toBe(503);
    const refused = await server.send("GET", "/v1/projects");
    expect(refused).toMatchObject({
      status: 503,
      json: { status: 503, title: "Not available at the moment" },
    });
    expect(refused.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(refused.headers.get("retry-after")).toBe("2");
    expect(await server.send("GET", "/v2/shop/app/tags/list")).toMatchObject({
      status: 503,
      json: { errors: [{ code: "UNAVAILABLE" }] },
    });
    expect(await status("/metrics")).toBeGreaterThanOrEqual(500);
    door.open();
    await expect.poll(() => status("/readyz"), { timeout: 20_000 }).toBe(200);
    const lost = await server.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=lost`);
    expect(lost.status).toBe(404);
  });

  test.each(["shut", "freeze"] as const)(
    "it is alive and not ready, says so before long, and goes on when its database is back (%s)",
    async (how) => {
      expect(await status("/readyz")).toBe(200);
      door[how]();
      const ready = await server.send("GET", "/readyz");
      expect([ready.status, valueAt(ready.json, "status")]).toEqual([503, "not ready"]);
      expect(await status("/healthz")).toBe(200);
      door.open();
      await expect.poll(() => status("/readyz"), { timeout: 20_000 }).toBe(200);
      const version = `after-${how}`;
      expect((await create(server, plainBody({ version_name: version }))).status).toBe(200);
      expect(await settled(server, version)).toMatchObject({ status: "success" });
    },
  );

  describeWith(["docker-registry", "skopeo"], "a copy under way", () => {
    test(
      "goes on when its database was gone for ten seconds, and nothing is lost",
      { timeout: 120_000 },
      async () => {
        const [source, target] = await Promise.all([
          startRegistry({ auth: "open" }),
          startRegistry({ auth: "open" }),
        ]);
        const names = ["one", "two", "three"];
        const layers = (name: string) => [
          { seed: "shared", sizeBytes: 500_000 },
          { seed: name, sizeBytes: 100_000 },
        ];
        const pushed = await Promise.all(
          names.map((name) =>
            pushTestImage(source.host, `team/${name}`, "1", { seed: name, layers: layers(name) }),
          ),
        );
        const slow = await startRegistryProxy(target);
        const gate = Promise.withResolvers<void>();
        slow.disturb(BYTES_COME, { until: gate.promise });
        await connect(server, source, { name: "source", projects: ["shop"] });
        const registry = await connect(server, slow, { name: "target", projects: ["shop"] });
        const images = names.map((name) => ({
          container_name: name,
          source_image: `${source.host}/team/${name}:1`,
          target_image: `${slow.host}/prod/${name}:1`,
          push_image: true,
        }));
        const services = [{ service_name: "s", images }];
        const accepted = await create(
          server,
          plainBody({ version_name: "long", image_registry_id: registry, services }),
        );
        expect(accepted.status).toBe(200);
        await expect.poll(() => slow.asked.some((line) => BYTES_COME.test(line))).toBe(true);

        door.shut();
        // The first layers arrive while nobody can write down that they did.
        gate.resolve();
        for (let second = 0; second < 10; second += 1) {
          expect((await create(server, plainBody({ version_name: `refused-${second}` }))).status).toBe(503);
          await pause(1_000);
        }
        door.open();

        const detail = await settled(server, "long");
        expect(detail).toMatchObject({ status: "success", error: "" });
        const release = await server.send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
        const blobs = new Map(
          pushed.flatMap((image) => image.blobs).map(({ digest, bytes }) => [digest, bytes.length]),
        );
        const totalBytes = [...blobs.values()].reduce((sum, bytes) => sum + bytes, 0);
        expect(valueAt(release.json, "distribution")).toMatchObject({
          totalBytes,
          verifiedBytes: totalBytes,
        });
        for (const [index, name] of names.entries())
          expect(await skopeoManifest(target, `prod/${name}`, ":1")).toEqual(pushed[index]?.top.bytes);
        const versions = await server.send("GET", "/v1/projects/shop/releases?limit=100");
        const listed = (valueAt(versions.json, "items") as readonly unknown[]).map((line) =>
          valueAt(line, "version"),
        );
        expect(listed.filter((version) => String(version).startsWith("refused"))).toEqual([]);
        await slow.stop();
        await Promise.all([source.stop(), target.stop()]);
      },
    );
  });
});
