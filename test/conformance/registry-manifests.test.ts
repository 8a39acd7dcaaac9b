import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type { RawManifest, Registry, RegistryConnector } from "../../src/connectors/registries/registry.ts";
import { buildTestImage } from "../support/images.ts";
import { settingsFor } from "../support/registry-settings.ts";
import { answer, type StandIn, type StandInAnswer, startStandIn } from "../support/stand-in.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
const { top } = buildTestImage();
const OTHER = `sha256:${"0".repeat(64)}`;
const TAG = "/v2/team/api/manifests/1.0";
const BY_DIGEST = `/v2/team/api/manifests/${top.digest}`;

const served = (
  body: Uint8Array | string,
  type: string = OCI,
  headers: Record<string, string> = {},
): StandInAnswer => answer(200, { "content-type": type, ...headers }, body);

describe("manifests of registries that misbehave", () => {
  let server: StandIn;
  let connector: RegistryConnector;
  let registry: Registry;

  beforeEach(async () => {
    server = await startStandIn();
    connector = createRegistryConnector({ retry: { retries: 1, baseMillis: 1, longestWaitMillis: 100 } });
    registry = connector.open(settingsFor({ ...server, requests: [] }));
  });

  afterEach(async () => {
    await connector.close();
    await server.stop();
  });

  const reading = `reading the manifest team/api`;

  it("a manifest comes with the digest of its bytes; all four types are asked for", async () => {
    server.expect(
      `GET ${TAG}`,
      served(top.bytes, `${OCI}; charset=utf-8`, { "docker-content-digest": top.digest }),
    );
    const manifest = await registry.pullManifest("team/api", "1.0");
    expect(manifest).toEqual({ digest: top.digest, mediaType: OCI, bytes: top.bytes });
    expect(server.calls[0]?.headers.accept?.split(", ")).toEqual([
      "application/vnd.oci.image.index.v1+json",
      "application/vnd.oci.image.manifest.v1+json",
      "application/vnd.docker.distribution.manifest.list.v2+json",
      "application/vnd.docker.distribution.manifest.v2+json",
    ]);
  });

  it("other bytes than the digest asked for are refused", async () => {
    server.expect(`GET ${BY_DIGEST}`, served(`${top.bytes.toString()} `));
    await expect(registry.pullManifest("team/api", top.digest)).rejects.toThrow(
      `${reading}@${top.digest} at ${server.host}: digest mismatch: the bytes have sha256:`,
    );
  });

  it("other bytes than the digest told for a tag are refused", async () => {
    server.expect(`GET ${TAG}`, served(top.bytes, OCI, { "docker-content-digest": OTHER }));
    await expect(registry.pullManifest("team/api", "1.0")).rejects.toMatchObject({
      retryable: false,
      message: `${reading}:1.0 at ${server.host}: digest mismatch: the bytes have ${top.digest} instead of ${OTHER}`,
    });
  });

  it("a manifest of 4 MiB passes, one byte more does not", async () => {
    const frame = JSON.stringify({ schemaVersion: 2, mediaType: OCI, annotations: { a: "" } });
    const body = (length: number): string => frame.replace('""', `"${"x".repeat(length - frame.length)}"`);
    const limit = 4 * 1024 * 1024;
    server.expect(`GET ${TAG}`, served(body(limit)), served(body(limit + 1)));
    expect((await registry.pullManifest("team/api", "1.0")).bytes).toHaveLength(limit);
    await expect(registry.pullManifest("team/api", "1.0")).rejects.toThrow(`longer than ${limit} bytes`);
  });

  it.for([
    ["schema 1 by its type", SCHEMA_1, '{"schemaVersion":1,"name":"team/api"}', "schema 1"],
    ["schema 1 under a vague type", "application/json", '{"schemaVersion":1,"name":"team/api"}', "schema 1"],
    ["a web page", "text/html", "<html></html>", "not a JSON object"],
    ["broken JSON", OCI, "{", "not a JSON object"],
    ["a JSON list", OCI, "[]", "not a JSON object"],
    [
      "an unknown type",
      "application/vnd.example+json",
      '{"schemaVersion":2}',
      'unknown manifest type "application/vnd.example+json"',
    ],
    ["no type at all", "application/json", '{"schemaVersion":2}', 'unknown manifest type "application/json"'],
    [
      "two types at once",
      OCI,
      JSON.stringify({ schemaVersion: 2, mediaType: DOCKER }),
      `the registry says ${OCI}, the manifest itself ${DOCKER}`,
    ],
  ] as const)("%s is refused", async ([, type, body, words]) => {
    server.expect(`GET ${TAG}`, served(body, type));
    await expect(registry.pullManifest("team/api", "1.0")).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining(words) as string,
    });
  });

  it("a vague type gives way to what the manifest says of itself", async () => {
    server.expect(
      `GET ${TAG}`,
      served(JSON.stringify({ schemaVersion: 2, mediaType: DOCKER }), "text/plain"),
    );
    expect((await registry.pullManifest("team/api", "1.0")).mediaType).toBe(DOCKER);
  });

  it("a manifest is looked for without its bytes where the registry tells the digest", async () => {
    server.expect(
      `HEAD ${TAG}`,
      answer(200, { "docker-content-digest": OTHER }),
      answer(200),
      answer(404),
      answer(403),
    );
    server.expect(`GET ${TAG}`, served(top.bytes));
    expect(await registry.findManifest("team/api", "1.0")).toBe(OTHER);
    expect(await registry.findManifest("team/api", "1.0")).toBe(top.digest);
    expect(await registry.findManifest("team/api", "1.0")).toBeNull();
    await expect(registry.findManifest("team/api", "1.0")).rejects.toMatchObject({ status: 403 });
  });

  describe("a push", () => {
    const manifest: RawManifest = { digest: top.digest, mediaType: OCI, bytes: top.bytes };

    it("returns the digest that the registry tells", async () => {
      server.expect(`PUT ${TAG}`, answer(201, { "docker-content-digest": top.digest }));
      expect(await registry.pushManifest("team/api", "1.0", manifest)).toBe(top.digest);
      expect(server.calls[0]).toMatchObject({ received: top.bytes.length, headers: { "content-type": OCI } });
    });

    it("looks afterwards where the registry tells nothing", async () => {
      server.expect(`PUT ${TAG}`, answer(201), answer(201), answer(201));
      server.expect(
        `HEAD ${TAG}`,
        answer(200, { "docker-content-digest": top.digest }),
        answer(200, { "docker-content-digest": OTHER }),
        answer(404),
      );
      expect(await registry.pushManifest("team/api", "1.0", manifest)).toBe(top.digest);
      await expect(registry.pushManifest("team/api", "1.0", manifest)).rejects.toThrow(
        `writing the manifest team/api:1.0 at ${server.host}: digest mismatch: the registry stored ${OTHER}`,
      );
      await expect(registry.pushManifest("team/api", "1.0", manifest)).rejects.toThrow(
        "the registry stored nothing",
      );
    });

    it.for([400, 403, 409, 412])(
      "under a tag that must not change (%i) is done when it is there",
      async (status) => {
        const refused = '{"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]}';
        const refusal = answer(status, {}, refused);
        server.expect(`PUT ${TAG}`, refusal, refusal, refusal);
        server.expect(
          `HEAD ${TAG}`,
          answer(200, { "docker-content-digest": top.digest }),
          answer(200, { "docker-content-digest": OTHER }),
          answer(403),
        );
        expect(await registry.pushManifest("team/api", "1.0", manifest)).toBe(top.digest);
        const told = {
          status,
          message: `writing the manifest team/api:1.0 at ${server.host}: TAG_INVALID: the tag is immutable`,
        };
        await expect(registry.pushManifest("team/api", "1.0", manifest)).rejects.toMatchObject(told);
        await expect(registry.pushManifest("team/api", "1.0", manifest)).rejects.toMatchObject(told);
      },
    );

    it("that was stored as something else has failed", async () => {
      server.expect(`PUT ${TAG}`, answer(201, { "docker-content-digest": OTHER }));
      await expect(registry.pushManifest("team/api", "1.0", manifest)).rejects.toThrow("digest mismatch");
    });

    it("is repeated after an outage, and not after a refusal", async () => {
      const refused = '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}';
      server.expect(
        `PUT ${TAG}`,
        answer(503),
        answer(201, { "docker-content-digest": top.digest }),
        answer(404, {}, refused),
      );
      expect(await registry.pushManifest("team/api", "1.0", manifest)).toBe(top.digest);
      await expect(registry.pushManifest("team/api", "1.0", manifest)).rejects.toThrow(
        "MANIFEST_BLOB_UNKNOWN: blob unknown to registry",
      );
    });
  });

  it.for([
    ["../../etc", "1.0"],
    ["Team/api", "1.0"],
    ["team/api/../../secret", "1.0"],
    ["team/api?x=1", "1.0"],
    ["", "1.0"],
    ["team/api", "../1.0"],
    ["team/api", "1.0?x"],
    ["team/api", "sha256:short"],
    ["team/api", ""],
  ] as const)("asking for %s %s is refused before anything is sent", async ([repository, reference]) => {
    await expect(registry.pullManifest(repository, reference)).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
    await expect(registry.findManifest(repository, reference)).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
    expect(server.calls).toEqual([]);
  });
});
