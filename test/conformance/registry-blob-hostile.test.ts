import { createHash, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createRegistryConnector,
  type RegistryConnectorOptions,
} from "../../src/connectors/registries/oci-registry-connector.ts";
import type { BlobArrival, RegistryConnector } from "../../src/connectors/registries/registry.ts";
import {
  begun,
  BLOB,
  type BlobCopies,
  callsOf,
  chunked,
  CONTENT,
  DIGEST,
  forgotten,
  linesOf,
  RETRY,
  SESSION,
  SIZE,
  startBlobCopies,
  stored,
  UPLOADS,
  WANTED,
  whole,
} from "../support/blob-copies.ts";
import { answer, type StandIn, type StandInAnswer } from "../support/stand-in.ts";

const MIB = 1024 * 1024;

/** Sends so much of the blob from the beginning, or from where the range begins, and hangs up. */
const cutAfter =
  (bytes: Buffer, length: number): StandInAnswer =>
  (response, request) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": String(bytes.length - from),
      ...(from > 0 && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.write(bytes.subarray(from, from + length), () => response.destroy());
  };

/** Writes the same bytes again and again until the other side hangs up; counts them. */
const flood =
  (head: string, bytes: string, wrote: (count: number) => void): StandInAnswer =>
  ({ socket }) => {
    const more = (): void => {
      if (!socket || socket.destroyed) return;
      wrote(bytes.length);
      socket.write(bytes, () => setImmediate(more));
    };
    socket?.write(head, more);
  };

describe("a blob transfer between peers that mean ill", () => {
  let copies: BlobCopies;
  let source: StandIn;
  let target: StandIn;
  const others: RegistryConnector[] = [];

  beforeEach(async () => {
    copies = await startBlobCopies();
    ({ source, target } = copies);
  });
  afterEach(async () => {
    await Promise.all(others.splice(0).map((one) => one.close()));
    await copies.stop();
  });

  /** A copy through a connector of its own. */
  function copyWith(
    options: RegistryConnectorOptions,
    digest = DIGEST,
    sizeBytes = SIZE,
  ): { connector: RegistryConnector; copying: Promise<BlobArrival> } {
    const connector = createRegistryConnector(options);
    others.push(connector);
    const copying = connector.copyBlob({
      source: { registry: connector.open(copies.from.settings), repository: "team/api" },
      target: { registry: connector.open(copies.to.settings), repository: "prod/api" },
      digest,
      sizeBytes,
    });
    return { connector, copying };
  }

  it("bytes that come without a length are counted once, also when they are sent twice", async () => {
    source.always(`GET ${BLOB}`, chunked(CONTENT));
    target.always(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, answer(503), stored);
    target.always(`GET ${SESSION}`, answer(404));
    target.always(`DELETE ${SESSION}`, forgotten);
    let passed = 0;
    expect(await copies.copy({ onBytes: (count) => (passed += count) })).toBe("copied");
    expect(passed).toBe(SIZE);
  });

  it("an upload that has kept all bytes and not stored them is made anew", async () => {
    source.always(`GET ${BLOB}`, whole);
    target.always(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, answer(500), stored);
    target.expect(`GET ${SESSION}`, answer(204, { range: `0-${SIZE - 1}` }));
    target.expect(`DELETE ${SESSION}`, forgotten);
    expect(await copies.copy()).toBe("copied");
    expect(callsOf(target).at(-1)).toMatchObject({ received: SIZE, complete: true });
  });

  it("the rest of an upload goes where the target says now", async () => {
    source.always(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, answer(500));
    target.expect(`GET ${SESSION}`, answer(204, { range: "0-99999", location: `${UPLOADS}later?state=2` }));
    target.expect(`PUT ${UPLOADS}later`, stored);
    target.expect(`HEAD ${WANTED}`, answer(404), answer(404), answer(200));
    expect(await copies.copy()).toBe("copied");
    expect(linesOf(target).at(-1)).toContain("later?state=2&digest=");
    expect(callsOf(target).at(-1)).toMatchObject({ received: SIZE - 100_000, complete: true });
  });

  it("an upload that is gone when the next attempt comes to it is begun anew", async () => {
    source.expect(`GET ${BLOB}`, answer(503), whole, whole);
    target.expect(`POST ${UPLOADS}`, begun, begun);
    target.expect(`PUT ${SESSION}`, answer(404), stored);
    target.expect(`DELETE ${SESSION}`, answer(404));
    expect(await copies.copy()).toBe("copied");
  });

  it.for([
    ["another part", answer(206, { "content-length": "5", "content-range": `bytes 0-4/${SIZE}` }, "12345")],
    ["nothing", answer(416)],
  ] as const)("a source that answers the question for the rest with %s is read anew", async ([, lie]) => {
    source.expect(`GET ${BLOB}`, cutAfter(Buffer.from(CONTENT), 200_000), lie, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    expect(await copies.copy()).toBe("copied");
    expect(callsOf(target).at(-1)).toMatchObject({ received: SIZE, complete: true });
  });

  it("a blob of no bytes is stored under its digest, and under no other", async () => {
    const empty = `sha256:${createHash("sha256").digest("hex")}`;
    source.expect(`GET /v2/team/api/blobs/${empty}`, answer(200, { "content-length": "0" }));
    source.expect(`GET ${BLOB}`, answer(200, { "content-length": "0" }));
    target.expect(`HEAD /v2/prod/api/blobs/${empty}`, answer(404));
    target.expect(`POST ${UPLOADS}`, begun, begun);
    target.expect(`PUT ${SESSION}`, stored);
    target.expect(`DELETE ${SESSION}`, forgotten);
    expect(await copyWith({}, empty, 0).copying).toBe("copied");
    await expect(copyWith({}, DIGEST, 0).copying).rejects.toThrow(`digest mismatch: the bytes have ${empty}`);
    expect(linesOf(target).filter((line) => line.startsWith("PUT"))).toHaveLength(1);
  });

  /** The target says that it has stored half a blob. */
  function storeTooEarly(): void {
    source.always(`GET ${BLOB}`, (response) => {
      response.writeHead(200, { "content-length": String(SIZE) }).write(CONTENT.slice(0, 100_000));
    });
    target.always(`POST ${UPLOADS}`, begun);
    target.always(`PUT ${SESSION}`, (response) => void response.writeHead(201).end());
    target.always(`GET ${SESSION}`, answer(404));
    target.always(`DELETE ${SESSION}`, forgotten);
  }

  it("a target that says that it has stored what it cannot have is not believed", async () => {
    storeTooEarly();
    await expect(copies.copy()).rejects.toThrow("the registry answered before it had all bytes");
  });

  it("a target that wants no more bytes because it has the blob by now is asked", async () => {
    storeTooEarly();
    target.expect(`HEAD ${WANTED}`, answer(404), answer(200));
    expect(await copies.copy()).toBe("present");
  });

  it.for([
    ["answers that only announce another", "", "HTTP/1.1 100 Continue\r\n\r\n".repeat(4000), "too long"],
    [
      "a refusal without end",
      "HTTP/1.1 413 No\r\ncontent-length: 999999999999\r\n\r\n",
      "x".repeat(100_000),
      "413",
    ],
    [
      "a refusal in one endless chunk",
      "HTTP/1.1 413 No\r\ntransfer-encoding: chunked\r\n\r\n9999999999\r\n",
      "x".repeat(100_000),
      "413",
    ],
  ] as const)("%s fill no memory", async ([, head, bytes, words]) => {
    let wrote = 0;
    source.always(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(
      `PUT ${SESSION}`,
      flood(head, bytes, (count) => (wrote += count)),
    );
    target.expect(`DELETE ${SESSION}`, forgotten);
    await expect(copies.copy()).rejects.toThrow(words);
    expect(wrote).toBeLessThan(32 * MIB);
  });

  it("a source that breaks again and again fills no memory while the target takes nothing", async () => {
    const bytes = randomBytes(64 * MIB);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const route = `GET /v2/team/api/blobs/${digest}`;
    source.always(route, cutAfter(bytes, 1.5 * MIB));
    target.always(`HEAD /v2/prod/api/blobs/${digest}`, answer(404));
    target.always(`POST ${UPLOADS}`, begun);
    target.always(`PUT ${SESSION}`, (_, request) => void request.pause());
    target.always(`GET ${SESSION}`, answer(404));
    target.always(`DELETE ${SESSION}`, forgotten);
    const { copying } = copyWith({ stallMillis: 400, retry: { ...RETRY, retries: 0 } }, digest, bytes.length);
    await expect(copying).rejects.toMatchObject({ retryable: true });
    const asked = source.calls.map(({ headers }) => Number(/\d+/.exec(headers.range ?? "0")?.[0]));
    // What the kernel keeps for the target is some MiB besides.
    expect(Math.max(...asked)).toBeLessThan(32 * MIB);
  });

  it("a kept connection on which no answer comes is one failure", async () => {
    source.expect(`GET ${BLOB}`, whole, () => undefined);
    target.always(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    target.expect(`DELETE ${SESSION}`, forgotten);
    const { connector, copying } = copyWith({ firstByteMillis: 300, retry: { ...RETRY, retries: 0 } });
    await copying;
    const again = connector.copyBlob({
      source: { registry: connector.open(copies.from.settings), repository: "team/api" },
      target: { registry: connector.open(copies.to.settings), repository: "prod/api" },
      digest: DIGEST,
      sizeBytes: SIZE,
    });
    await expect(again).rejects.toThrow("no answer within the time limit");
    expect(source.calls).toHaveLength(2);
  });

  it("a transfer ends with the connector, in words", async () => {
    source.always(`GET ${BLOB}`, (response) => {
      response.writeHead(200, { "content-length": String(SIZE) }).write(CONTENT.slice(0, 100_000));
    });
    target.always(`POST ${UPLOADS}`, begun);
    target.always(`PUT ${SESSION}`, () => undefined);
    const { connector, copying } = copyWith({ retry: RETRY });
    const ended = copying.catch((error: unknown) => error);
    await expect.poll(() => linesOf(target).length).toBe(2);
    await connector.close();
    expect(await ended).toMatchObject({ name: "ExternalSystemError", retryable: false });
  });
});
