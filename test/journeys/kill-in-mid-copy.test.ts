import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { pushTestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { startRegistryProxy } from "../support/registry-proxy.ts";
import { clientOf, settingsFor, valueAt } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { skopeoManifest, skopeoPull } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { connect, create, makeProject, plainBody, settled } from "../support/zadig-project.ts";

const ROUNDS = process.env["HEADGATE_SOAK"] === "1" ? 30 : 3;
const MIB = 1024 * 1024;

/** Acceptance fact 49: a server killed during a copy goes on after its restart, and the version ends right. */
eachEngine((engine) => {
  let source: TestRegistry;
  beforeAll(async () => {
    source = await startRegistry({ auth: "open" });
    for (const name of ["one", "two", "three"])
      await pushTestImage(source.host, `team/${name}`, "1", {
        seed: name,
        layers: [
          { seed: "shared", sizeBytes: 24 * MIB },
          { seed: `own of ${name}`, sizeBytes: 8 * MIB },
        ],
      });
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
    "a copy that is killed twice at random moments ends with every image at its target, nothing counted twice (round %i)",
    async () => {
      const target = await startRegistry({ auth: "open" });
      const settings = await settingsFor(await engine.place());
      let running = await startServerProcess(settings);
      const client = () => clientOf(running.url, settings.HEADGATE_ADMIN_TOKEN);
      await makeProject(client(), "shop");
      await connect(client(), source, { name: "source", projects: ["shop"] });
      const registry = await connect(client(), target, { name: "target", projects: ["shop"] });
      const images = ["one", "two", "three"].map((name) => ({
        container_name: name,
        source_image: `${source.host}/team/${name}:1`,
        target_image: `${target.host}/prod/${name}:1`,
        push_image: true,
      }));
      const services = [{ service_name: "s", images }];
      expect((await create(client(), plainBody({ image_registry_id: registry, services }))).status).toBe(200);
      for (let kill = 0; kill < 2; kill += 1) {
        await pause(randomInt(5, 400));
        await running.kill();
        running = await startServerProcess(settings);
      }
      const detail = await settled(client(), "v1");
      expect(detail).toMatchObject({ status: "success", error: "" });
      const release = await client().send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
      const distribution = valueAt(release.json, "distribution");
      expect(valueAt(distribution, "verifiedBytes")).toBe(valueAt(distribution, "totalBytes"));
      expect(valueAt(distribution, "totalBytes")).toBeGreaterThan(48 * MIB);
      const folder = await temporaryDirectory();
      for (const name of ["one", "two", "three"]) {
        expect(await skopeoManifest(target, `prod/${name}`, ":1")).toEqual(
          await skopeoManifest(source, `team/${name}`, ":1"),
        );
        await skopeoPull(target, `prod/${name}`, ":1", `${folder.path}/${name}`);
      }
      expect(await running.stop()).toBe(0);
      await folder.remove();
      await target.stop();
    },
  );
});
