import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type { Registry, RegistryConnector } from "../../src/connectors/registries/registry.ts";
import {
  buildTestImage,
  pushBuiltImage,
  pushTestImage,
  type TestContent,
  type TestImage,
  type TestImageOptions,
} from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { settingsFor } from "../support/registry-settings.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { skopeoManifest, skopeoPull } from "../support/skopeo.ts";

const KINDS = ["open", "htpasswd", "token", "tls"] as const;
type Kind = (typeof KINDS)[number];

const COMBINATIONS = KINDS.flatMap((from) => KINDS.map((to) => [from, to] as const));
const FORMATS: Readonly<Record<Kind, TestImageOptions>> = {
  open: { format: "docker" },
  htpasswd: { format: "oci" },
  token: { format: "oci", platforms: ["linux/amd64", "linux/arm64", "linux/s390x"] },
  tls: { format: "docker", platforms: ["linux/amd64", "linux/arm64"] },
};

describeWith(["docker-registry", "skopeo"], "copying between real registries", () => {
  const registries = new Map<Kind, TestRegistry>();
  const images = new Map<Kind, TestImage>();
  let connector: RegistryConnector;

  const testRegistry = (kind: Kind): TestRegistry => {
    const registry = registries.get(kind);
    if (!registry) throw new Error(`no registry ${kind}`);
    return registry;
  };
  const open = (kind: Kind): Registry => connector.open(settingsFor(testRegistry(kind)));

  beforeAll(async () => {
    connector = createRegistryConnector();
    for (const kind of KINDS) {
      const registry = await startRegistry({ auth: kind === "tls" ? "open" : kind, tls: kind === "tls" });
      registries.set(kind, registry);
      images.set(
        kind,
        await pushTestImage(registry, "team/shop/api", "1.0", { seed: kind, ...FORMATS[kind] }),
      );
    }
  });

  afterAll(async () => {
    await connector?.close();
    for (const registry of registries.values()) await registry.stop();
  });

  function firstBlob(kind: Kind): TestContent {
    const [blob] = images.get(kind)?.blobs ?? [];
    if (!blob) throw new Error(`no blob for ${kind}`);
    return blob;
  }

  async function copyImage(
    source: Registry,
    target: Registry,
    image: TestImage,
    repository: string,
  ): Promise<number> {
    let passed = 0;
    const onBytes = (count: number): void => void (passed += count);
    await Promise.all(
      image.blobs.map(async ({ digest, bytes }) => {
        expect(await target.hasBlob(repository, digest)).toBe(false);
        await connector.copyBlob({
          source: { registry: source, repository: "team/shop/api" },
          target: { registry: target, repository },
          digest,
          sizeBytes: bytes.length,
          onBytes,
        });
        expect(await target.hasBlob(repository, digest)).toBe(true);
      }),
    );
    for (const { digest } of image.manifests) {
      const manifest = await source.pullManifest("team/shop/api", digest);
      expect(await target.pushManifest(repository, digest, manifest)).toBe(digest);
    }
    const top = await source.pullManifest("team/shop/api", "1.0");
    expect(await target.pushManifest(repository, "released", top)).toBe(image.top.digest);
    return passed;
  }

  it.for(COMBINATIONS)("an image goes from %s to %s unchanged, as skopeo sees it", async ([from, to]) => {
    const [source, target, image] = [open(from), open(to), images.get(from)];
    if (!image) throw new Error("no image");
    const repository = `prod/from-${from}/api`;
    expect(await target.findManifest(repository, "released")).toBeNull();
    const passed = await copyImage(source, target, image, repository);
    expect(passed).toBe(image.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0));
    expect(await target.findManifest(repository, "released")).toBe(image.top.digest);
    const folder = await mkdtemp(join(tmpdir(), "headgate-pull-"));
    try {
      expect(await skopeoManifest(testRegistry(to), repository, ":released")).toEqual(image.top.bytes);
      await skopeoPull(testRegistry(to), repository, ":released", folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.for(KINDS)("a blob of another repository is mounted in a registry: %s", async (kind) => {
    const registry = open(kind);
    const { digest, bytes } = firstBlob(kind);
    const mounting = connector.copyBlob({
      source: { registry, repository: "nobody/knows" },
      target: { registry, repository: "mounted/api" },
      digest,
      sizeBytes: bytes.length,
      mountFrom: "team/shop/api",
    });
    expect(await mounting).toBe("mounted");
    expect(await registry.hasBlob("mounted/api", digest)).toBe(true);
  });

  it.for(KINDS)("a mount from a repository without the blob ends in a copy: %s", async (kind) => {
    const registry = open(kind);
    const { digest, bytes } = firstBlob(kind);
    const copying = connector.copyBlob({
      source: { registry, repository: "team/shop/api" },
      target: { registry, repository: "copied/api" },
      digest,
      sizeBytes: bytes.length,
      mountFrom: "nobody/knows",
    });
    expect(await copying).toBe("copied");
    expect(await registry.hasBlob("copied/api", digest)).toBe(true);
  });

  it.for(KINDS)("what a registry lacks is named in its own words: %s", async (kind) => {
    const registry = open(kind);
    const { host } = registry.settings;
    await expect(registry.pullManifest("team/shop/api", "9.9")).rejects.toMatchObject({
      name: "ExternalSystemError",
      system: `registry at ${host}`,
      status: 404,
      retryable: false,
      message: `reading the manifest team/shop/api:9.9 at ${host}: MANIFEST_UNKNOWN: manifest unknown`,
    });
    const digest = `sha256:${"1".repeat(64)}`;
    const place = { registry, repository: "team/shop/api" };
    await expect(
      connector.copyBlob({ source: place, target: place, digest, sizeBytes: 1 }),
    ).rejects.toMatchObject({
      status: 404,
      retryable: false,
      message: `reading team/shop/api@${digest} at ${host}: BLOB_UNKNOWN: blob unknown to registry`,
    });
  });

  it("many copies inside one registry at a time all end", async () => {
    const registry = open("open");
    const image = images.get("open");
    if (!image) throw new Error("no image");
    const copies = Array.from({ length: 12 }, (_, index) =>
      image.blobs.map(({ digest, bytes }) =>
        connector.copyBlob({
          source: { registry, repository: "team/shop/api" },
          target: { registry, repository: `many/copy-${index}` },
          digest,
          sizeBytes: bytes.length,
        }),
      ),
    );
    await Promise.all(copies.flat());
    expect(await registry.hasBlob("many/copy-11", image.blobs[0]?.digest ?? "")).toBe(true);
  });

  it("a blob without bytes is copied", async () => {
    const bytes = Buffer.alloc(0);
    const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const image = buildTestImage();
    const empty = { mediaType: "application/octet-stream", digest, bytes };
    await pushBuiltImage(testRegistry("htpasswd"), "team/empty", "1", {
      ...image,
      blobs: [...image.blobs, empty],
    });
    await connector.copyBlob({
      source: { registry: open("htpasswd"), repository: "team/empty" },
      target: { registry: open("token"), repository: "prod/empty" },
      digest,
      sizeBytes: 0,
    });
    expect(await open("token").hasBlob("prod/empty", digest)).toBe(true);
  });
});
