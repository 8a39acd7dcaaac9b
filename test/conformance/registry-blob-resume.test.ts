import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import {
  begun,
  BLOB,
  type BlobCopies,
  callsOf,
  CONTENT,
  DIGEST,
  forgotten,
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

describe("a blob transfer that breaks", () => {
  let copies: BlobCopies;
  let source: StandIn;
  let target: StandIn;

  beforeEach(async () => {
    copies = await startBlobCopies();
    ({ source, target } = copies);
  });
  afterEach(() => copies.stop());

  const cutAfter =
    (length: number, from = 0): StandInAnswer =>
    (response, request) => {
      const ranged = request.headers.range !== undefined;
      response.writeHead(ranged ? 206 : 200, {
        "content-length": String(SIZE - from),
        ...(ranged && { "content-range": `bytes ${from}-${SIZE - 1}/${SIZE}` }),
      });
      response.write(CONTENT.slice(from, from + length), () => response.destroy());
    };
  /** Sends what the range asks for. */
  const rest: StandInAnswer = (response, request) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1]);
    cutAfter(SIZE - from, from)(response, request, { line: "", headers: {}, received: 0, complete: true });
  };

  it("a source that breaks is asked for the rest, while the upload waits", async () => {
    source.expect(`GET ${BLOB}`, cutAfter(200_000), rest);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    let passed = 0;
    await copies.copy({ onBytes: (count) => (passed += count) });
    expect(passed).toBe(SIZE);
    expect(source.calls[1]?.headers.range).toBe("bytes=200000-");
    expect(copies.completeUploads()).toHaveLength(1);
  });

  it("a source that breaks and cannot begin in the middle sends all again; the upload gets each byte once", async () => {
    source.expect(`GET ${BLOB}`, cutAfter(200_000), whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    await copies.copy();
    expect(callsOf(target)[1]).toMatchObject({ received: SIZE, complete: true });
  });

  it("a source that sends another blob's rest after a break is read anew in one piece", async () => {
    const otherRest: StandInAnswer = (response) => {
      response.writeHead(206, {
        "content-length": String(SIZE - 200_000),
        "content-range": `bytes 200000-${SIZE - 1}/${SIZE}`,
      });
      response.end("x".repeat(SIZE - 200_000));
    };
    source.expect(`GET ${BLOB}`, cutAfter(200_000), otherRest, whole);
    target.expect(`POST ${UPLOADS}`, begun, begun);
    target.expect(`PUT ${SESSION}`, (): void => undefined, stored);
    target.expect(`DELETE ${SESSION}`, forgotten);
    let passed = 0;
    await copies.copy({ onBytes: (count) => (passed += count) });
    expect(passed).toBe(SIZE);
    expect(copies.completeUploads()).toHaveLength(1);
  });

  it("a source that breaks again and again at the same place has failed, and may be tried again later", async () => {
    source.always(`GET ${BLOB}`, (response, request, call) => {
      if (request.headers.range === undefined) cutAfter(200_000)(response, request, call);
      else response.destroy();
    });
    target.always(`POST ${UPLOADS}`, begun);
    target.always(`PUT ${SESSION}`, stored);
    target.always(`GET ${SESSION}`, answer(404));
    target.always(`DELETE ${SESSION}`, forgotten);
    await expect(copies.copy()).rejects.toMatchObject({ retryable: true });
    expect(copies.completeUploads()).toEqual([]);
  });

  /** Takes so many bytes of an upload and hangs up. */
  const hangUpAfter =
    (length: number): StandInAnswer =>
    (response, request) => {
      let received = 0;
      request.on("data", (chunk: Buffer) => {
        received += chunk.length;
        if (received >= length) response.destroy();
      });
    };

  it("an upload that breaks goes on where the target says that it stopped", async () => {
    source.expect(`GET ${BLOB}`, whole, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, hangUpAfter(100_000), stored);
    target.expect(`GET ${SESSION}`, answer(204, { range: "0-99999" }));
    target.expect(`HEAD ${WANTED}`, answer(404), answer(404), answer(200));
    let passed = 0;
    expect(await copies.copy({ onBytes: (count) => (passed += count) })).toBe("copied");
    expect(passed).toBe(SIZE);
    expect(callsOf(target).at(-1)).toMatchObject({ received: SIZE - 100_000, complete: true });
  });

  it("an upload whose last byte arrived before the answer was lost is not sent again", async () => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, hangUpAfter(SIZE));
    target.expect(`HEAD ${WANTED}`, answer(404), answer(200));
    target.expect(`DELETE ${SESSION}`, answer(404));
    expect(await copies.copy()).toBe("present");
  });

  it("an upload that the target has lost is made anew in one request", async () => {
    source.expect(`GET ${BLOB}`, whole, whole);
    target.expect(`POST ${UPLOADS}`, begun, begun);
    target.expect(`PUT ${SESSION}`, hangUpAfter(100_000), stored);
    target.expect(`GET ${SESSION}`, answer(404));
    target.expect(`DELETE ${SESSION}`, answer(404));
    let passed = 0;
    await copies.copy({ onBytes: (count) => (passed += count) });
    expect(passed).toBe(SIZE);
    expect(callsOf(target).at(-1)).toMatchObject({ received: SIZE, complete: true });
  });

  it("a target that would not go on after all gets the blob in one request", async () => {
    source.expect(`GET ${BLOB}`, whole, whole, whole);
    target.expect(`POST ${UPLOADS}`, begun, begun);
    target.expect(`PUT ${SESSION}`, hangUpAfter(100_000), answer(416), stored);
    target.expect(`GET ${SESSION}`, answer(204, { range: "0-49999" }));
    target.expect(`DELETE ${SESSION}`, forgotten);
    expect(await copies.copy()).toBe("copied");
    expect(copies.completeUploads()).toHaveLength(2);
  });

  it("a side that stands still is given up", async () => {
    const impatient = createRegistryConnector({ stallMillis: 100, retry: { ...RETRY, retries: 0 } });
    const still: StandInAnswer = (response) => {
      response.writeHead(200, { "content-length": String(SIZE) }).write(CONTENT.slice(0, 1000));
    };
    source.always(`GET ${BLOB}`, still);
    target.always(`POST ${UPLOADS}`, begun);
    target.always(`PUT ${SESSION}`, () => undefined);
    target.always(`DELETE ${SESSION}`, forgotten);
    try {
      const copying = impatient.copyBlob({
        source: { registry: impatient.open(copies.from.settings), repository: "team/api" },
        target: { registry: impatient.open(copies.to.settings), repository: "prod/api" },
        digest: DIGEST,
        sizeBytes: SIZE,
      });
      await expect(copying).rejects.toMatchObject({
        retryable: true,
        message: `reading from ${source.host}: nothing more came within the time limit`,
      });
    } finally {
      await impatient.close();
    }
  });
});
