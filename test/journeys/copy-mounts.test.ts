import { afterAll, beforeAll, expect, test } from "vitest";
import { DistributionReply } from "../../src/api/contract/releases.ts";
import { eachEngine } from "../support/databases.ts";
import { pushTestImage, type TestContent, type TestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { type RegistryProxy, startRegistryProxy } from "../support/registry-proxy.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { connect, makeProject } from "../support/zadig-project.ts";

const PATIENCE = { timeout: 45_000 };
const layer = (seed: string) => ({ seed, sizeBytes: 200_000 });

/** A mount moves no bytes: it goes on beside blobs that do. */
eachEngine((engine) => {
  let server: TestServer;
  let source: TestRegistry;
  let target: TestRegistry;
  let door: RegistryProxy;
  beforeAll(async () => {
    [server, source, target] = await Promise.all([
      engine.place().then((place) => startTestServer(place)),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "open" }),
    ]);
    door = await startRegistryProxy(source);
    await makeProject(server, "shop");
    await connect(server, door, { name: "source", projects: ["shop"] });
    await connect(server, target, { name: "target", projects: ["shop"] });
  });
  afterAll(async () => {
    await server.stop();
    await Promise.all([door.stop(), source.stop(), target.stop()]);
  });

  const push = (name: string, ...seeds: readonly string[]): Promise<TestImage> =>
    pushTestImage(source.host, `team/${name}`, "1", { seed: name, layers: seeds.map(layer) });
  /** Posts a version of these images; returns how to look at its copy. */
  const begin = async (version: string, ...names: readonly string[]) => {
    const images = names.map((name) => ({ containerName: name, sourceImage: `${door.host}/team/${name}:1` }));
    const body = { version, targetConnection: "target", services: [{ name: "s", images }] };
    const { json } = await server.send("POST", "/v1/projects/shop/releases", { body });
    const id = String(valueAt(json, "distribution", "id"));
    const path = `/v1/releases/${String(valueAt(json, "id"))}/distributions/${id}`;
    return async () => DistributionReply.parse((await server.send("GET", path)).json);
  };
  const expectSuccess = (look: () => Promise<DistributionReply>) =>
    expect.poll(async () => (await look()).status, PATIENCE).toBe("success");
  /** The source gives half of each of these layers, and the rest when it is told to. */
  const hold = (image: string, ...layers: readonly TestContent[]): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const digests = layers.map(({ digest }) => digest).join("|");
    const line = new RegExp(`^GET /v2/team/${image}/blobs/(${digests})`);
    door.disturb(line, { answer: { stopAfter: 100_000, until: promise } });
    return resolve;
  };

  test("a layer that an earlier version brought is mounted while the layer before it is still on its way", async () => {
    await push("base", "kept");
    await expectSuccess(await begin("1", "base"));
    const { blobs } = await push("web", "own", "kept");
    const letGo = hold("web", ...blobs.slice(1, 2));
    const look = await begin("2", "web");
    const stateOf = async (index: number) =>
      (await look()).blobs.find(({ digest }) => digest === blobs[index]?.digest)?.state;
    await expect.poll(() => stateOf(1), PATIENCE).toBe("moving");
    await expect.poll(() => stateOf(2), PATIENCE).toBe("mounted");
    expect(await stateOf(1)).toBe("moving");
    letGo();
    await expectSuccess(look);
  });

  test("a layer that two images share is mounted for the second while another image takes every place", async () => {
    await Promise.all([push("one", "shared"), push("two", "shared", "own of two")]);
    // More than may move at a time.
    const { blobs } = await push("slow", ...Array.from({ length: 20 }, (_, index) => `slow ${index}`));
    const letGo = hold("slow", ...blobs.slice(1));
    const look = await begin("3", "one", "two", "slow");
    const statuses = async () => (await look()).items.map(({ status }) => status);
    await expect.poll(statuses, PATIENCE).toEqual(["verified", "verified", "copying"]);
    const mounted = () => target.requests.some((line) => /^POST .*\/two\/.*mount=.* 201$/.test(line));
    await expect.poll(mounted, PATIENCE).toBe(true);
    expect((await look()).blobs.map(({ state }) => state)).toContain("waiting");
    letGo();
    await expectSuccess(look);
  });
});
