import { createHash, randomBytes, randomInt } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type { Registry, RegistryConnector } from "../../src/connectors/registries/registry.ts";
import { makeCertificate } from "../support/certificates.ts";
import { settingsFor } from "../support/registry-settings.ts";
import { answer, type StandIn, type StandInAnswer, startStandIn } from "../support/stand-in.ts";

const MIB = 1024 * 1024;
const UPLOADS = "/v2/prod/api/blobs/uploads/";
const SESSION = `${UPLOADS}session`;

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Sends these bytes in pieces of odd sizes, now and then with a pause. */
const inPieces =
  (bytes: Buffer): StandInAnswer =>
  (response) => {
    response.writeHead(200, { "content-length": String(bytes.length) });
    let at = 0;
    const next = (): void => {
      if (at >= bytes.length) return void response.end();
      const piece = bytes.subarray(at, at + randomInt(1, 700_000));
      at += piece.length;
      response.write(piece, () => (randomInt(4) === 0 ? setTimeout(next, 1) : next()));
    };
    next();
  };

/** Takes an upload with pauses; `arrived` hears of its digest. */
const haltingly =
  (arrived: (digest: string) => void): StandInAnswer =>
  (response, request) => {
    const hash = createHash("sha256");
    let since = 0;
    request.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      since += chunk.length;
      if (since < 3 * MIB) return;
      since = 0;
      request.pause();
      setTimeout(() => request.resume(), randomInt(1, 10));
    });
    request.on("end", () => {
      arrived(`sha256:${hash.digest("hex")}`);
      response.writeHead(201, { "content-length": "0" }).end();
    });
  };

describe("the blob pipe", () => {
  const servers: StandIn[] = [];
  let connector: RegistryConnector;

  async function start(kind: "http" | "https"): Promise<{ server: StandIn; registry: Registry }> {
    const certificate = kind === "https" ? makeCertificate("localhost") : undefined;
    const server = await startStandIn(certificate);
    servers.push(server);
    const caPem = certificate?.certificatePem;
    const registry = connector.open(settingsFor({ ...server, requests: [], ...(caPem && { caPem }) }));
    return { server, registry };
  }

  afterEach(async () => {
    await connector.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it.for([
    ["http", "http"],
    ["http", "https"],
    ["https", "http"],
    ["https", "https"],
  ] as const)(
    "moves every byte from %s to %s, with a halting source and a halting target",
    async ([from, to]) => {
      connector = createRegistryConnector();
      const [source, target] = await Promise.all([start(from), start(to)]);
      const blobs = [1, 2, 70_000, MIB, 5 * MIB + 1, 24 * MIB].map((size) => randomBytes(size));
      const arrived: string[] = [];
      target.server.always(`POST ${UPLOADS}`, answer(202, { location: SESSION }));
      target.server.always(
        `PUT ${SESSION}`,
        haltingly((digest) => arrived.push(digest)),
      );
      let passed = 0;
      await Promise.all(
        blobs.map(async (bytes) => {
          const digest = digestOf(bytes);
          source.server.expect(`GET /v2/team/api/blobs/${digest}`, inPieces(bytes));
          target.server.expect(`HEAD /v2/prod/api/blobs/${digest}`, answer(404));
          await connector.copyBlob({
            source: { registry: source.registry, repository: "team/api" },
            target: { registry: target.registry, repository: "prod/api" },
            digest,
            sizeBytes: bytes.length,
            onBytes: (count) => (passed += count),
          });
        }),
      );
      expect(arrived.toSorted()).toEqual(blobs.map((bytes) => digestOf(bytes)).toSorted());
      expect(passed).toBe(blobs.reduce((sum, bytes) => sum + bytes.length, 0));
    },
  );

  it("goes on after a connection that was kept and is closed by the other side meanwhile", async () => {
    connector = createRegistryConnector();
    const [source, target] = await Promise.all([start("http"), start("http")]);
    target.server.always(`POST ${UPLOADS}`, answer(202, { location: SESSION }));
    target.server.always(`GET ${SESSION}`, answer(404));
    target.server.always(`DELETE ${SESSION}`, answer(404));
    for (const seed of [1, 2, 3]) {
      const bytes = randomBytes(seed * 1000);
      const digest = digestOf(bytes);
      const closing: StandInAnswer = (response) => {
        response.writeHead(200, { "content-length": String(bytes.length) }).end(bytes);
        response.socket?.end();
      };
      const storing: StandInAnswer = (response, request) =>
        void request.on("end", () => {
          response.writeHead(201, { "content-length": "0" }).end();
          response.socket?.end();
        });
      source.server.always(`GET /v2/team/api/blobs/${digest}`, closing);
      target.server.always(`HEAD /v2/prod/api/blobs/${digest}`, answer(404));
      target.server.always(`PUT ${SESSION}`, storing);
      const copying = connector.copyBlob({
        source: { registry: source.registry, repository: "team/api" },
        target: { registry: target.registry, repository: "prod/api" },
        digest,
        sizeBytes: bytes.length,
      });
      expect(await copying).toBe("copied");
    }
  });

  it.for([
    ["what is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "what came back is not HTTP"],
    ["headers without end", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`, "the headers are too long"],
  ] as const)("a source that sends %s is named", async ([, text, words]) => {
    connector = createRegistryConnector({ retry: { retries: 0, baseMillis: 1, longestWaitMillis: 1 } });
    const [source, target] = await Promise.all([start("http"), start("http")]);
    const digest = digestOf(Buffer.from("x"));
    source.server.always(`GET /v2/team/api/blobs/${digest}`, (response) => void response.socket?.write(text));
    target.server.always(`HEAD /v2/prod/api/blobs/${digest}`, answer(404));
    target.server.always(`POST ${UPLOADS}`, answer(202, { location: SESSION }));
    target.server.always(`DELETE ${SESSION}`, answer(204));
    const copying = connector.copyBlob({
      source: { registry: source.registry, repository: "team/api" },
      target: { registry: target.registry, repository: "prod/api" },
      digest,
      sizeBytes: 1,
    });
    await expect(copying).rejects.toThrow(`reading from ${source.server.host}: ${words}`);
  });
});
