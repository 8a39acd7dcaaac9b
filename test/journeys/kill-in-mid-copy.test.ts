import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Database, type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";
import { eachEngine } from "../support/databases.ts";
import { pushTestImage, type TestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { startRegistryProxy } from "../support/registry-proxy.ts";
import { clientOf, settingsFor, valueAt } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { skopeoManifest, skopeoPull } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { connect, create, makeProject, plainBody, settled } from "../support/zadig-project.ts";

/** How often a server is killed; HEADGATE_SOAK=1 for the long form. */
const ROUNDS = process.env["HEADGATE_SOAK"] === "1" ? 30 : 5;
const MIB = 1024 * 1024;
const NAMES = ["one", "two", "three"];

/** Looks into the database of a server that is not running. */
async function lookInto<T>(place: DatabaseOptions, look: (db: Database) => Promise<T>): Promise<T> {
  const { db, close } = await openDatabase(place);
  try {
    return await look(db);
  } finally {
    await close();
  }
}

/** The blobs whose arrival was recorded before the server died. */
async function recordedBlobs(db: Database): Promise<readonly string[]> {
  const rows = await db.selectFrom("task_steps").select("name").where("name", "like", "blob:%").execute();
  return rows.map(({ name }) => name.slice("blob:".length));
}

/** On PostgreSQL others respect a dead server's leases for up to 15 s, which no test need wait for. */
async function endLeases(db: Database): Promise<void> {
  await db.updateTable("tasks").set({ leased_until: 0 }).where("state", "=", "running").execute();
}

/** Acceptance fact 49: a server killed during a copy goes on after its restart, and the version ends right. */
eachEngine((engine) => {
  let source: TestRegistry;
  const images: TestImage[] = [];
  let totalBytes: number;
  beforeAll(async () => {
    source = await startRegistry({ auth: "open" });
    for (const name of NAMES)
      images.push(
        await pushTestImage(source.host, `team/${name}`, "1", {
          seed: name,
          layers: [
            { seed: "shared", sizeBytes: 6 * MIB },
            { seed: "shared too", sizeBytes: 2 * MIB },
            { seed: `own of ${name}`, sizeBytes: 4 * MIB },
          ],
        }),
      );
    const sizes = new Map(
      images.flatMap(({ blobs }) => blobs.map((blob) => [blob.digest, blob.bytes.length])),
    );
    totalBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  });
  afterAll(() => source.stop());

  test("a copy under way does not keep a server from stopping, and goes on after its start", async () => {
    const target = await startRegistry({ auth: "open" });
    const door = await startRegistryProxy(target);
    const gate = Promise.withResolvers<void>();
    door.disturb(/^PUT .*\/blobs\/uploads/, { until: gate.promise });
    const settings = await settingsFor(await engine.place());
    let running = await startServerProcess(settings);
    const client = () => clientOf(running.url, settings.HEADGATE_ADMIN_TOKEN);
    await makeProject(client(), "shop");
    await connect(client(), source, { name: "source", projects: ["shop"] });
    const registry = await connect(client(), door, { name: "target", projects: ["shop"] });
    const image = { container_name: "one", source_image: `${source.host}/team/one:1`, push_image: true };
    const services = [{ service_name: "s", images: [image] }];
    expect((await create(client(), plainBody({ image_registry_id: registry, services }))).status).toBe(200);
    await expect.poll(() => door.asked.some((line) => line.startsWith("PUT "))).toBe(true);
    expect(await running.stop()).toBe(0);
    gate.resolve();
    door.heal();
    running = await startServerProcess(settings);
    expect(await settled(client(), "v1")).toMatchObject({ status: "success", error: "" });
    expect(await running.stop()).toBe(0);
    await Promise.all([door.stop(), target.stop()]);
  });

  test.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    "a copy whose server is killed ends with every image at its target, nothing counted or copied twice (round %i)",
    async () => {
      const target = await startRegistry({ auth: "open" });
      const door = await startRegistryProxy(source);
      // Slow enough that the kill comes in the middle.
      door.disturb(/^GET .*\/blobs\/sha256/, { answer: { bytesPerSecond: 8 * MIB } });
      const place = await engine.place();
      const settings = await settingsFor(place);
      let running = await startServerProcess(settings);
      const client = () => clientOf(running.url, settings.HEADGATE_ADMIN_TOKEN);
      await makeProject(client(), "shop");
      await connect(client(), door, { name: "source", projects: ["shop"] });
      const registry = await connect(client(), target, { name: "target", projects: ["shop"] });
      const services = [
        {
          service_name: "s",
          images: NAMES.map((name) => ({
            container_name: name,
            source_image: `${door.host}/team/${name}:1`,
            target_image: `${target.host}/prod/${name}:1`,
            push_image: true,
          })),
        },
      ];
      expect((await create(client(), plainBody({ image_registry_id: registry, services }))).status).toBe(200);
      const moment = randomInt(totalBytes);
      await expect
        .poll(() => door.passed.out, { timeout: 30_000, interval: 1 })
        .toBeGreaterThanOrEqual(moment);
      await running.kill();

      const finished = await lookInto(place, async (db) => {
        await endLeases(db);
        return recordedBlobs(db);
      });
      door.heal();
      const before = door.asked.length;
      running = await startServerProcess(settings);
      const detail = await settled(client(), "v1");
      expect(detail).toMatchObject({ status: "success", error: "" });
      const read = door.asked.slice(before).filter((line) => line.includes("/blobs/"));
      expect(read.filter((line) => finished.some((digest) => line.endsWith(digest)))).toEqual([]);
      expect(new Set(read).size).toBe(read.length);

      const release = await client().send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
      expect(valueAt(release.json, "distribution")).toMatchObject({ verifiedBytes: totalBytes, totalBytes });
      const folder = await temporaryDirectory();
      for (const [index, name] of NAMES.entries()) {
        expect(await skopeoManifest(target, `prod/${name}`, ":1")).toEqual(images[index]?.top.bytes);
        await skopeoPull(target, `prod/${name}`, ":1", `${folder.path}/${name}`);
      }
      expect(await running.stop()).toBe(0);
      await folder.remove();
      await Promise.all([door.stop(), target.stop()]);
    },
  );
});
