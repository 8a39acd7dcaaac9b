import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import { markTransaction } from "../../src/kernel/transaction-scope.ts";
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
import { settingsFor } from "../support/registry-settings.ts";
import { answer, type StandIn } from "../support/stand-in.ts";

describe("copying a blob between registries that misbehave", () => {
  let copies: BlobCopies;
  let source: StandIn;
  let target: StandIn;
  let storage: StandIn;

  beforeEach(async () => {
    copies = await startBlobCopies();
    ({ source, target, storage } = copies);
  });
  afterEach(() => copies.stop());

  it("sends the whole blob in one request", async () => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    let passed = 0;
    await copies.copy({ onBytes: (count) => (passed += count) });
    expect(passed).toBe(SIZE);
    expect(linesOf(target)).toEqual([
      `POST ${UPLOADS}`,
      `PUT ${SESSION}?digest=${encodeURIComponent(DIGEST)}`,
    ]);
    expect(callsOf(target)[1]).toMatchObject({
      received: SIZE,
      complete: true,
      headers: { "content-length": String(SIZE) },
    });
  });

  it("keeps the query of the upload's address as it is", async () => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(
      `POST ${UPLOADS}`,
      answer(202, { location: `http://${target.host}${SESSION}?_state=a%20b+c==` }),
    );
    target.expect(`PUT ${SESSION}`, stored);
    await copies.copy();
    expect(linesOf(target)[1]).toBe(`PUT ${SESSION}?_state=a%20b+c==&digest=${encodeURIComponent(DIGEST)}`);
  });

  it.for([
    [
      "wrong bytes under the right digest",
      answer(200, {}, CONTENT.replace("0", "1")),
      "digest mismatch: the bytes have sha256:",
    ],
    ["a blob that ends early", chunked(CONTENT.slice(1)), `the blob ends after ${SIZE - 1} of ${SIZE} bytes`],
    [
      "a blob that goes on",
      chunked(`${CONTENT}x`),
      `the blob is longer than the ${SIZE} bytes its manifest promises`,
    ],
    [
      "a blob without end",
      chunked(CONTENT.repeat(3)),
      `the blob is longer than the ${SIZE} bytes its manifest promises`,
    ],
    [
      "wrong bytes of the right length",
      answer(200, { "content-length": String(SIZE) }, CONTENT.replace("0", "1")),
      "digest mismatch: the bytes have sha256:",
    ],
    ["no bytes at all", chunked(""), `the blob ends after 0 of ${SIZE} bytes`],
  ] as const)("%s: the target never gets a complete upload", async ([, faulty, words]) => {
    source.always(`GET ${BLOB}`, faulty);
    copies.expectAbandonedUpload();
    await expect(copies.copy()).rejects.toMatchObject({ name: "ExternalSystemError", retryable: false });
    expect(copies.completeUploads()).toEqual([]);
    expect(linesOf(target).at(-1)).toBe(`DELETE ${SESSION}`);
    copies.expectAbandonedUpload();
    await expect(copies.copy()).rejects.toThrow(`reading team/api@${DIGEST} at ${source.host}: ${words}`);
  });

  it("a length that is not the promised one is refused before anything is sent", async () => {
    source.expect(`GET ${BLOB}`, answer(200, { "content-length": "5" }, "short"));
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`DELETE ${SESSION}`, forgotten);
    await expect(copies.copy()).rejects.toThrow(`the blob has 5 bytes where its manifest promises ${SIZE}`);
    expect(linesOf(target)).toEqual([`POST ${UPLOADS}`, `DELETE ${SESSION}`]);
  });

  it("a source that asks for a pause gets it", async () => {
    source.expect(`GET ${BLOB}`, answer(429, { "retry-after": "0" }), answer(503), whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    await copies.copy();
    expect(source.calls).toHaveLength(3);
  });

  it("a source that asks for a long pause is left to the caller", async () => {
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`DELETE ${SESSION}`, forgotten);
    source.expect(
      `GET ${BLOB}`,
      answer(429, { "retry-after": "3600" }, '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'),
    );
    await expect(copies.copy()).rejects.toMatchObject({
      status: 429,
      retryable: true,
      retryAfterMillis: 3_600_000,
      message: expect.stringContaining(
        `reading team/api@${DIGEST} at ${source.host}: TOOMANYREQUESTS: slow down; it may be asked again at `,
      ) as string,
    });
  });

  it("bytes come from object storage without the registry's credentials", async () => {
    copies.from = copies.connector.open(
      settingsFor({ ...source, requests: [], username: "robot", password: "let-me-in" }),
    );
    const redirect = answer(307, { location: `http://${storage.host}/bucket/blob?signature=x%2Fy` });
    source.expect(`GET ${BLOB}`, answer(401, { "www-authenticate": 'Basic realm="test"' }), redirect);
    storage.expect("GET /bucket/blob", whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    await copies.copy();
    expect(source.calls[1]?.headers.authorization).toMatch(/^Basic /);
    expect(linesOf(storage)).toEqual(["GET /bucket/blob?signature=x%2Fy"]);
    expect(storage.calls[0]?.headers.authorization).toBeUndefined();
  });

  it("object storage at a metadata address is not asked", async () => {
    source.expect(`GET ${BLOB}`, answer(307, { location: "http://169.254.169.254/latest" }));
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`DELETE ${SESSION}`, forgotten);
    await expect(copies.copy()).rejects.toThrow("the address 169.254.169.254 is never reached");
  });

  it("an upload elsewhere goes there without the registry's credentials", async () => {
    copies.to = copies.connector.open(
      settingsFor({ ...target, requests: [], username: "robot", password: "let-me-in" }),
    );
    source.expect(`GET ${BLOB}`, whole);
    const elsewhere = answer(202, { location: `http://${storage.host}/upload?key=1` });
    target.expect(`POST ${UPLOADS}`, answer(401, { "www-authenticate": 'Basic realm="test"' }), elsewhere);
    storage.expect("PUT /upload", stored);
    await copies.copy();
    expect(callsOf(target)[1]?.headers.authorization).toMatch(/^Basic /);
    expect(storage.calls[0]?.headers.authorization).toBeUndefined();
    expect(storage.calls[0]).toMatchObject({ received: SIZE, complete: true });
  });

  it("an upload address that leads to a metadata service is not used", async () => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, answer(202, { location: "http://169.254.169.254/upload" }));
    await expect(copies.copy()).rejects.toThrow("is never reached");
  });

  it.for([
    ["no address for the bytes", answer(202), "the answer does not say where to send the bytes"],
    [
      "a refusal",
      answer(403, {}, '{"errors":[{"code":"DENIED","message":"quota exceeded"}]}'),
      "DENIED: quota exceeded",
    ],
  ] as const)("the target answers the begin of an upload with %s", async ([, reply, words]) => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, reply);
    await expect(copies.copy()).rejects.toThrow(
      `beginning an upload to prod/api at ${target.host}: ${words}`,
    );
  });

  it("the target refuses the bytes while they are still coming", async () => {
    source.expect(`GET ${BLOB}`, (response) => {
      response.writeHead(200, { "content-length": String(SIZE) });
      response.write(CONTENT.slice(0, 400_000));
    });
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`DELETE ${SESSION}`, forgotten);
    target.expect(`PUT ${SESSION}`, (response) => {
      response.writeHead(413).end('{"errors":[{"code":"SIZE_INVALID","message":"too large for us"}]}');
    });
    await expect(copies.copy()).rejects.toMatchObject({
      status: 413,
      retryable: false,
      message: `writing prod/api@${DIGEST} at ${target.host}: SIZE_INVALID: too large for us`,
    });
  });

  it("the target says that it stored something else", async () => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, answer(201, { "docker-content-digest": `sha256:${"0".repeat(64)}` }));
    target.expect(`DELETE ${SESSION}`, answer(404));
    await expect(copies.copy()).rejects.toThrow("digest mismatch: the registry stored sha256:000");
  });

  it("the target fails once and then stores", async () => {
    source.expect(`GET ${BLOB}`, whole, whole);
    target.expect(`POST ${UPLOADS}`, begun, begun);
    target.expect(`PUT ${SESSION}`, answer(500), stored);
    target.expect(`GET ${SESSION}`, answer(404));
    target.expect(`DELETE ${SESSION}`, answer(500));
    await copies.copy();
    expect(source.calls).toHaveLength(2);
  });

  it("a token refused in mid-copy is renewed and the blob sent again", async () => {
    copies.to = copies.connector.open(
      settingsFor(
        { ...target, requests: [], username: "robot", password: "let-me-in" },
        { tokenHosts: [storage.host] },
      ),
    );
    const challenge = { "www-authenticate": `Bearer realm="http://${storage.host}/token",service="test"` };
    storage.expect("GET /token", answer(200, {}, '{"token":"first"}'), answer(200, {}, '{"token":"second"}'));
    source.expect(`GET ${BLOB}`, whole, whole);
    target.expect(`POST ${UPLOADS}`, answer(401, challenge), begun, begun);
    target.expect(`PUT ${SESSION}`, answer(401, challenge), stored);
    target.expect(`GET ${SESSION}`, answer(404));
    target.expect(`DELETE ${SESSION}`, forgotten);
    await copies.copy();
    expect(
      callsOf(target).map(({ line, headers }) => [line.split(" ", 1).join(), headers.authorization]),
    ).toEqual([
      ["POST", undefined],
      ["POST", "Bearer first"],
      ["PUT", "Bearer first"],
      ["GET", "Bearer second"],
      ["DELETE", "Bearer second"],
      ["POST", "Bearer second"],
      ["PUT", "Bearer second"],
    ]);
  });

  it("an abort ends the copy with its reason and leaves nothing complete", async () => {
    const controller = new AbortController();
    source.expect(`GET ${BLOB}`, (response) => {
      response.writeHead(200, { "content-length": String(SIZE) });
      response.write(CONTENT.slice(0, 300_000));
    });
    copies.expectAbandonedUpload();
    const copying = copies.copy({
      signal: controller.signal,
      onBytes: () => controller.abort(new Error("cancelled by a person")),
    });
    await expect(copying).rejects.toThrow("cancelled by a person");
    expect(copies.completeUploads()).toEqual([]);
  });

  it("a registry that never answers is given up", async () => {
    const impatient = createRegistryConnector({ firstByteMillis: 200, retry: { ...RETRY, retries: 0 } });
    source.always(`HEAD ${BLOB}`, () => undefined);
    try {
      await expect(impatient.open(copies.from.settings).hasBlob("team/api", DIGEST)).rejects.toMatchObject({
        retryable: true,
        message: `waiting for ${source.host}: no answer within the time limit`,
      });
    } finally {
      await impatient.close();
    }
  });

  it("a call inside a transaction is refused", async () => {
    await expect(markTransaction(() => copies.copy())).rejects.toThrow("inside a database transaction");
    await expect(markTransaction(() => copies.from.hasBlob("team/api", DIGEST))).rejects.toThrow(
      "inside a database transaction",
    );
  });

  it("handles of another connector are refused", async () => {
    const other = createRegistryConnector();
    copies.from = other.open(copies.from.settings);
    await expect(copies.copy()).rejects.toThrow("was opened by another connector");
    await other.close();
  });

  it("a blob that is there already is not moved", async () => {
    target.expect(`HEAD ${WANTED}`, answer(200));
    expect(await copies.copy()).toBe("present");
    expect(source.calls).toEqual([]);
    expect(linesOf(target)).toEqual([]);
  });

  describe("a mount", () => {
    const MOUNT = `mount=${encodeURIComponent(DIGEST)}&from=team%2Fbase`;
    const mountFrom = "team/base";

    it("is done when the registry says so, in one request", async () => {
      target.expect(`POST ${UPLOADS}`, answer(201));
      expect(await copies.copy({ mountFrom })).toBe("mounted");
      expect(target.calls.map(({ line }) => line)).toEqual([`POST ${UPLOADS}?${MOUNT}`]);
      expect(source.calls).toEqual([]);
    });

    it("answered with a plain upload goes on with that upload", async () => {
      source.expect(`GET ${BLOB}`, whole);
      target.expect(`POST ${UPLOADS}`, begun);
      target.expect(`PUT ${SESSION}`, stored);
      expect(await copies.copy({ mountFrom })).toBe("copied");
      expect(linesOf(target)[0]).toBe(`POST ${UPLOADS}?${MOUNT}`);
    });

    it("answered with a plain upload for a blob that is there leaves no upload behind", async () => {
      target.expect(`POST ${UPLOADS}`, begun);
      target.expect(`HEAD ${WANTED}`, answer(200));
      target.expect(`DELETE ${SESSION}`, forgotten);
      expect(await copies.copy({ mountFrom })).toBe("present");
    });

    it.for([401, 403, 404, 405, 502])("answered with %s: the bytes are sent", async (status) => {
      source.expect(`GET ${BLOB}`, whole);
      target.expect(`POST ${UPLOADS}`, answer(status), begun);
      target.expect(`PUT ${SESSION}`, stored);
      expect(await copies.copy({ mountFrom })).toBe("copied");
      expect(linesOf(target)[1]).toBe(`POST ${UPLOADS}`);
    });

    it("asks for a token that may also read the other repository", async () => {
      copies.to = copies.connector.open(settingsFor({ ...target, requests: [] }));
      const challenge = { "www-authenticate": `Bearer realm="http://${storage.host}/token",service="test"` };
      target.expect(`POST ${UPLOADS}`, answer(401, challenge), answer(201));
      storage.expect("GET /token", answer(200, {}, '{"access_token":"t"}'));
      expect(await copies.copy({ mountFrom })).toBe("mounted");
      const query = new URLSearchParams(linesOf(storage)[0]?.split("?")[1]);
      expect(query.getAll("scope")).toEqual(["repository:prod/api:pull,push", "repository:team/base:pull"]);
      expect(query.get("service")).toBe("test");
    });
  });

  it("whether a blob is there: yes, yes elsewhere, no, and not told", async () => {
    source.expect(
      `HEAD ${BLOB}`,
      answer(200),
      answer(307, { location: "http://169.254.169.254/" }),
      answer(404),
      answer(403),
    );
    expect(await copies.from.hasBlob("team/api", DIGEST)).toBe(true);
    expect(await copies.from.hasBlob("team/api", DIGEST)).toBe(true);
    expect(await copies.from.hasBlob("team/api", DIGEST)).toBe(false);
    await expect(copies.from.hasBlob("team/api", DIGEST)).rejects.toThrow(`looking for team/api@${DIGEST}`);
  });
});
