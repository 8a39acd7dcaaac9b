import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../../src/kernel/digest.ts";
import { pushTestImage } from "../support/images.ts";
import { describeWithLoopDisks, fillDisk, type LoopDisk, makeLoopDisk } from "../support/loop-disk.ts";
import { clientOf as registryClient, type RegistryClient } from "../support/registry-inside.ts";
import { startRegistryProxy } from "../support/registry-proxy.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { type Answer, startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { skopeoPull } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { connect, create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const API = "shop/api";

describeWithLoopDisks("a server whose disk is full", () => {
  let disk: LoopDisk;
  let server: TestServer;
  let registry: RegistryClient;
  let source: TestRegistry;
  let builtIn: string;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    disk = await makeLoopDisk(1536);
    folder = await temporaryDirectory();
    server = await startTestServer({ kind: "embedded", directory: disk.path });
    const { adminToken: token } = server;
    const tokens = {
      viewer: token,
      releaser: token,
      approver: token,
      admin: token,
      outsider: token,
      root: token,
    };
    registry = registryClient(server.url, tokens);
    source = await startRegistry({ auth: "open" });
    await makeProject(server, "shop");
    await connect(server, source, { name: "source", projects: ["shop"] });
    const { json } = await server.send("GET", "/v1/connections");
    const listed = valueAt(json, "items") as { id: string; builtIn: boolean }[];
    builtIn = listed.find((one) => one.builtIn)?.id ?? "";
  });
  afterAll(async () => {
    await registry.close();
    await server.stop();
    await source.stop();
    await folder.remove();
    await disk.remove();
  });

  const post = (version: string, changes: Readonly<Record<string, unknown>> = {}): Promise<Answer> =>
    create(server, plainBody({ version_name: version, ...changes }));
  const detail = (version: string): Promise<Answer> =>
    server.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=${version}`);
  const ownHost = (): string => new URL(server.url).host;
  /** A version of one image that goes into the registry inside. */
  const inward = (version: string) => ({
    image_registry_id: builtIn,
    services: [
      {
        service_name: "s",
        images: [
          {
            container_name: "api",
            source_image: `${source.host}/team/${version}:1`,
            target_image: `${ownHost()}/shop/${version}:1`,
            push_image: true,
          },
        ],
      },
    ],
  });
  const retry = async (version: string): Promise<void> => {
    const id = valueAt((await detail(version)).json, "id");
    const answer = await server.send("POST", `${RELEASES}/retry`, { body: { id, projectKey: "shop" } });
    expect(answer.status).toBe(200);
  };

  test("the registry inside leaves a gibibyte free: it says so to clients and copies, and takes all again once there is room", async () => {
    await pushTestImage(source.host, "team/inward", "1", { seed: "inward" });
    const free = await fillDisk(disk.path, GIB - MIB);
    const bytes = randomBytes(1000);
    const path = `/v2/${API}/blobs/uploads/?digest=${digestOf(bytes)}`;
    const refused = await registry.send("POST", path, { body: bytes });
    expect(refused).toMatchObject({ status: 507, error: "UNAVAILABLE" });
    expect(refused.text).toMatch(
      /The server's disk has \d+ bytes left and keeps 1073741824 free: make room on it/,
    );

    expect((await post("inward", inward("inward"))).status).toBe(200);
    expect((await post("elsewhere")).status).toBe(200);
    expect(await settled(server, "elsewhere")).toMatchObject({ status: "success" });
    const failed = await settled(server, "inward");
    expect(failed).toMatchObject({ status: "failed" });
    const error = String(valueAt(failed, "services", 0, "images", 0, "error"));
    expect(error).toContain(ownHost());
    expect(error).toMatch(/UNAVAILABLE: The server's disk has \d+ bytes left/);

    await free();
    expect((await registry.send("POST", path, { body: bytes })).status).toBe(201);
    await retry("inward");
    expect(await settled(server, "inward")).toMatchObject({ status: "success", error: "" });
    const address = { host: ownHost(), username: "any", password: server.adminToken };
    await skopeoPull(address, "shop/inward", ":1", `${folder.path}/inward`);
  }, 120_000);

  test("an upload that meets the end of the disk is refused, and goes on where it stood once there is room", async () => {
    const content = randomBytes(8 * MIB);
    const location = (await registry.send("POST", `/v2/${API}/blobs/uploads/`)).headers["location"] ?? "";
    const first = await registry.send("PATCH", location, { body: content.subarray(0, MIB) });
    expect(first.status).toBe(202);
    const standing = async (): Promise<string> =>
      (await registry.send("GET", location)).headers["range"] ?? "";
    let free = async (): Promise<void> => {};
    const slowly = Readable.from(
      (async function* () {
        yield content.subarray(MIB, 2 * MIB);
        // What has arrived so far was let in.
        await expect.poll(standing).toBe(`0-${2 * MIB - 1}`);
        free = await fillDisk(disk.path, 0);
        yield content.subarray(2 * MIB);
      })(),
    );
    const refused = await registry.send("PATCH", location, { body: slowly });
    expect(refused).toMatchObject({ status: 507, error: "UNAVAILABLE" });
    expect(refused.text).toContain("The server's disk is full");
    await free();
    expect(await standing()).toBe(`0-${MIB - 1}`);
    const path = `${location}?digest=${digestOf(content)}`;
    const headers = { "content-range": `${MIB}-${content.length - 1}` };
    expect((await registry.send("PUT", path, { body: content.subarray(MIB), headers })).status).toBe(201);
    const read = await registry.send("GET", `/v2/${API}/blobs/${digestOf(content)}`);
    expect(read.bytes.equals(content)).toBe(true);
  });

  test("a change that the database has no room for is refused as a whole; what is there can be read, and work goes on once there is room", async () => {
    const target = await startRegistry({ auth: "open" });
    const door = await startRegistryProxy(source);
    const to = await connect(server, target, { name: "target", projects: ["shop"] });
    await connect(server, door, { name: "door", projects: ["shop"] });
    await pushTestImage(source.host, "team/outward", "1", { seed: "outward" });
    const gate = Promise.withResolvers<void>();
    door.disturb(/^GET .*\/blobs\/sha256/, { until: gate.promise });
    const image = {
      container_name: "api",
      source_image: `${door.host}/team/outward:1`,
      target_image: `${target.host}/prod/outward:1`,
      push_image: true,
    };
    const services = [{ service_name: "s", images: [image] }];
    expect((await post("outward", { image_registry_id: to, services })).status).toBe(200);
    await expect.poll(() => door.asked.some((line) => line.includes("/blobs/"))).toBe(true);

    const free = await fillDisk(disk.path, 0);
    // The write-ahead log may have room of its own for a while.
    const accepted: string[] = [];
    let refused: Answer | null = null;
    for (let count = 0; refused === null; count += 1) {
      const version = `full-${count}`;
      const answer = await post(version, { desc: "x".repeat(2_000) });
      if (answer.status === 200) accepted.push(version);
      else refused = answer;
    }
    expect(refused.status).toBe(503);
    expect(refused.text).toContain("The server's disk is full: nothing was changed");
    expect((await detail(`full-${accepted.length}`)).status).toBe(404);
    expect((await server.send("GET", "/healthz")).status).toBe(200);
    expect((await server.send("GET", "/v1/projects")).status).toBe(200);
    gate.resolve();
    door.heal();
    // The copy under way meets a database that cannot note what has arrived.
    const arrived = (): boolean =>
      target.requests.some((line) => /^PUT .*\/blobs\/uploads\/.* 201$/.test(line));
    await expect.poll(arrived, { timeout: 30_000 }).toBe(true);

    await free();
    for (const version of [...accepted, "outward"])
      expect(await settled(server, version)).toMatchObject({ status: "success", error: "" });
    expect((await post(`full-${accepted.length}`)).status).toBe(200);
    await skopeoPull(target, "prod/outward", ":1", `${folder.path}/outward`);
    await Promise.all([door.stop(), target.stop()]);
  }, 120_000);
});
