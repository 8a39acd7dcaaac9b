import { cp, copyFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pushTestImage, type TestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { skopeoManifest, skopeoPull } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { create, makeCaller, makeProject, plainBody, settled } from "../support/zadig-project.ts";

const hostOf = (server: TestServer): string => new URL(server.url).host;

/** A backup made while others push, put in the place of a lost data directory. */
describeWith(["skopeo"], "a restored backup", () => {
  let lost: TestServer;
  let folder: { path: string; remove: () => Promise<void> };
  let image: TestImage;
  let token: string;
  let releaseId: string;
  let backup: string;
  const tidy: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    folder = await temporaryDirectory();
    lost = await startTestServer({ kind: "embedded", directory: join(folder.path, "data") });
    await makeProject(lost, "shop");
    token = await makeCaller(lost, "ana", "shop", "releaser");
    const inside = { host: hostOf(lost), username: "ana", password: token };
    image = await pushTestImage(inside, "shop/api", "1.0", {
      seed: "restored",
      platforms: ["linux/amd64", "linux/arm64"],
    });
    const images = [
      { container_name: "api", source_image: `${hostOf(lost)}/shop/api:1.0`, push_image: false },
    ];
    const services = [{ service_name: "api", images }];
    await create(lost, plainBody({ version_name: "1.0", services }));
    releaseId = String(valueAt(await settled(lost, "1.0"), "id"));
    const later = pushTestImage(inside, "shop/web", "1.0", { seed: "later" });
    const made = await lost.send("POST", "/v1/backups", { body: { name: "kept" } });
    await later;
    backup = String(valueAt(made.json, "folder"));
  });
  afterAll(async () => {
    for (const step of tidy.toReversed()) await step();
    await folder.remove();
  });

  it("has its releases, and its images come out of the registry inside byte for byte", async () => {
    const before = await lost.send("GET", `/v1/releases/${releaseId}`);
    await lost.stop();
    const directory = join(folder.path, "restored");
    await cp(backup, directory, { recursive: true });
    await copyFile(join(folder.path, "data", "headgate.key"), join(directory, "headgate.key"));
    await rm(join(folder.path, "data"), { recursive: true });
    const server = await startTestServer({ kind: "embedded", directory });
    tidy.push(() => server.stop());

    const after = await server.send("GET", `/v1/releases/${releaseId}`);
    expect(after.json).toEqual(before.json);
    expect(valueAt(after.json, "items", 0, "pinnedDigest")).toBe(image.top.digest);
    const inside = { host: hostOf(server), username: "ana", password: token };
    expect(await skopeoManifest(inside, "shop/api", ":1.0")).toEqual(image.top.bytes);
    const pulled = join(folder.path, "pulled");
    await skopeoPull(inside, "shop/api", `@${image.top.digest}`, pulled);
    const files = await readdir(pulled);
    for (const { digest } of image.blobs) expect(files).toContain(digest.slice("sha256:".length));
    // It is a server like any other: it takes images and makes backups.
    await pushTestImage(inside, "shop/api", "2.0", { seed: "after the restore" });
    expect((await server.send("POST", "/v1/backups", { body: {} })).status).toBe(201);
  });

  it("refuses to start with another key, or with none", async () => {
    const server = await startTestServer({ kind: "embedded", directory: join(folder.path, "other") });
    await makeProject(server, "shop");
    const made = await server.send("POST", "/v1/backups", { body: {} });
    const keyless = join(folder.path, "keyless");
    await cp(String(valueAt(made.json, "folder")), keyless, { recursive: true });
    await server.stop();
    await expect(startTestServer({ kind: "embedded", directory: keyless })).rejects.toThrow(
      /not the one that sealed this database's secrets/,
    );
  });
});
