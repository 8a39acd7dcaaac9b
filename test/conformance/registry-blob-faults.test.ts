import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type { Registry, RegistryConnector } from "../../src/connectors/registries/registry.ts";
import { markTransaction } from "../../src/kernel/transaction-scope.ts";
import { settingsFor } from "../support/registry-settings.ts";
import { answer, type StandIn, type StandInAnswer, startStandIn } from "../support/stand-in.ts";

const CONTENT = createHash("sha512").update("blob").digest().toString("hex").repeat(4096);
const SIZE = CONTENT.length;
const DIGEST = `sha256:${createHash("sha256").update(CONTENT).digest("hex")}`;
const BLOB = `/v2/team/api/blobs/${DIGEST}`;
const UPLOADS = "/v2/prod/api/blobs/uploads/";
const SESSION = `${UPLOADS}session`;
const RETRY = { retries: 3, baseMillis: 1, longestWaitMillis: 1000 };

const whole = answer(200, { "content-length": String(SIZE) }, CONTENT);
const begun = answer(202, { location: SESSION });
const stored = answer(201);
const forgotten = answer(204);
const chunked =
  (content: string): StandInAnswer =>
  (response) =>
    void response.writeHead(200).end(content);
const cutAfter =
  (length: number): StandInAnswer =>
  (response) => {
    response.writeHead(200, { "content-length": String(SIZE) });
    response.write(CONTENT.slice(0, length), () => response.destroy());
  };

describe("copying a blob between registries that misbehave", () => {
  let source: StandIn;
  let target: StandIn;
  let storage: StandIn;
  let connector: RegistryConnector;
  let from: Registry;
  let to: Registry;

  beforeEach(async () => {
    [source, target, storage] = await Promise.all([startStandIn(), startStandIn(), startStandIn()]);
    connector = createRegistryConnector({ retry: RETRY });
    from = connector.open(settingsFor({ ...source, requests: [] }));
    to = connector.open(settingsFor({ ...target, requests: [] }));
  });

  afterEach(async () => {
    await connector.close();
    await Promise.all([source.stop(), target.stop(), storage.stop()]);
  });

  const copy = (changes: { onBytes?: (count: number) => void; signal?: AbortSignal } = {}): Promise<void> =>
    connector.copyBlob({
      source: { registry: from, repository: "team/api" },
      target: { registry: to, repository: "prod/api" },
      digest: DIGEST,
      sizeBytes: SIZE,
      ...changes,
    });
  const linesOf = (server: StandIn): string[] => server.calls.map(({ line }) => line);
  /** The target takes one upload, which must never become complete, and is told to forget it. */
  const expectAbandonedUpload = (): void => {
    target.expect(`POST ${UPLOADS}`, begun);
    target.always(`PUT ${SESSION}`, stored);
    target.expect(`DELETE ${SESSION}`, forgotten);
  };
  const completeUploads = (): unknown[] =>
    target.calls.filter(({ line, complete }) => line.startsWith("PUT") && complete);

  it("sends the whole blob in one request", async () => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    let passed = 0;
    await copy({ onBytes: (count) => (passed += count) });
    expect(passed).toBe(SIZE);
    expect(linesOf(target)).toEqual([
      `POST ${UPLOADS}`,
      `PUT ${SESSION}?digest=${encodeURIComponent(DIGEST)}`,
    ]);
    expect(target.calls[1]).toMatchObject({
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
    await copy();
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
    ["no bytes at all", chunked(""), `the blob ends after 0 of ${SIZE} bytes`],
  ] as const)("%s: the target never gets a complete upload", async ([, faulty, words]) => {
    source.expect(`GET ${BLOB}`, faulty);
    expectAbandonedUpload();
    await expect(copy()).rejects.toMatchObject({ name: "ExternalSystemError", retryable: false });
    expect(completeUploads()).toEqual([]);
    expect(linesOf(target).at(-1)).toBe(`DELETE ${SESSION}`);
    source.expect(`GET ${BLOB}`, faulty);
    expectAbandonedUpload();
    await expect(copy()).rejects.toThrow(`reading team/api@${DIGEST} at ${source.host}: ${words}`);
  });

  it("a length that is not the promised one is refused before anything is sent", async () => {
    source.expect(`GET ${BLOB}`, answer(200, { "content-length": "5" }, "short"));
    await expect(copy()).rejects.toThrow(`the blob has 5 bytes where its manifest promises ${SIZE}`);
    expect(target.calls).toEqual([]);
  });

  it("a transfer that breaks is started over, and the bytes counted are those of the last one", async () => {
    let cut = (): void => undefined;
    const breaking: StandInAnswer = (response) => {
      cut = () => response.destroy();
      response.writeHead(200, { "content-length": String(SIZE) });
      response.write(CONTENT.slice(0, 400_000));
    };
    source.expect(`GET ${BLOB}`, breaking, breaking, whole);
    target.expect(`POST ${UPLOADS}`, begun, begun, begun);
    const cutAtFirstByte: StandInAnswer = (_, request) => void request.once("data", () => cut());
    target.expect(`PUT ${SESSION}`, cutAtFirstByte, cutAtFirstByte, stored);
    target.expect(`DELETE ${SESSION}`, forgotten, forgotten);
    const counts: number[] = [];
    await copy({ onBytes: (count) => void counts.push(count) });
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(SIZE);
    expect(counts.some((count) => count < 0)).toBe(true);
    expect(completeUploads()).toHaveLength(1);
  });

  it("a transfer that breaks four times has failed, and may be tried again later", async () => {
    source.always(`GET ${BLOB}`, cutAfter(200_000));
    target.always(`POST ${UPLOADS}`, begun);
    target.always(`PUT ${SESSION}`, stored);
    target.always(`DELETE ${SESSION}`, forgotten);
    await expect(copy()).rejects.toMatchObject({ retryable: true });
    expect(source.calls).toHaveLength(4);
    expect(completeUploads()).toEqual([]);
  });

  it("a source that asks for a pause gets it", async () => {
    source.expect(`GET ${BLOB}`, answer(429, { "retry-after": "0" }), answer(503), whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    await copy();
    expect(source.calls).toHaveLength(3);
  });

  it("a source that asks for a long pause is left to the caller", async () => {
    source.expect(
      `GET ${BLOB}`,
      answer(429, { "retry-after": "3600" }, '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'),
    );
    await expect(copy()).rejects.toMatchObject({
      status: 429,
      retryable: true,
      retryAfterMillis: 3_600_000,
      message: expect.stringContaining(
        `reading team/api@${DIGEST} at ${source.host}: TOOMANYREQUESTS: slow down; it may be asked again at `,
      ) as string,
    });
  });

  it("bytes come from object storage without the registry's credentials", async () => {
    from = connector.open(settingsFor({ ...source, requests: [], username: "robot", password: "let-me-in" }));
    const redirect = answer(307, { location: `http://${storage.host}/bucket/blob?signature=x%2Fy` });
    source.expect(`GET ${BLOB}`, answer(401, { "www-authenticate": 'Basic realm="test"' }), redirect);
    storage.expect("GET /bucket/blob", whole);
    target.expect(`POST ${UPLOADS}`, begun);
    target.expect(`PUT ${SESSION}`, stored);
    await copy();
    expect(source.calls[1]?.headers.authorization).toMatch(/^Basic /);
    expect(linesOf(storage)).toEqual(["GET /bucket/blob?signature=x%2Fy"]);
    expect(storage.calls[0]?.headers.authorization).toBeUndefined();
  });

  it("object storage at a metadata address is not asked", async () => {
    source.expect(`GET ${BLOB}`, answer(307, { location: "http://169.254.169.254/latest" }));
    await expect(copy()).rejects.toThrow("the address 169.254.169.254 is never reached");
  });

  it("an upload elsewhere goes there without the registry's credentials", async () => {
    to = connector.open(settingsFor({ ...target, requests: [], username: "robot", password: "let-me-in" }));
    source.expect(`GET ${BLOB}`, whole);
    const elsewhere = answer(202, { location: `http://${storage.host}/upload?key=1` });
    target.expect(`POST ${UPLOADS}`, answer(401, { "www-authenticate": 'Basic realm="test"' }), elsewhere);
    storage.expect("PUT /upload", stored);
    await copy();
    expect(target.calls[1]?.headers.authorization).toMatch(/^Basic /);
    expect(storage.calls[0]?.headers.authorization).toBeUndefined();
    expect(storage.calls[0]).toMatchObject({ received: SIZE, complete: true });
  });

  it("an upload address that leads to a metadata service is not used", async () => {
    source.expect(`GET ${BLOB}`, whole);
    target.expect(`POST ${UPLOADS}`, answer(202, { location: "http://169.254.169.254/upload" }));
    await expect(copy()).rejects.toThrow("is never reached");
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
    await expect(copy()).rejects.toThrow(`beginning an upload to prod/api at ${target.host}: ${words}`);
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
    await expect(copy()).rejects.toMatchObject({
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
    await expect(copy()).rejects.toThrow("digest mismatch: the registry stored sha256:000");
  });

  it("the target fails once and then stores", async () => {
    source.expect(`GET ${BLOB}`, whole, whole);
    target.expect(`POST ${UPLOADS}`, begun, begun);
    target.expect(`PUT ${SESSION}`, answer(500), stored);
    target.expect(`DELETE ${SESSION}`, answer(500));
    await copy();
    expect(source.calls).toHaveLength(2);
  });

  it("a token refused in mid-copy is renewed and the blob sent again", async () => {
    to = connector.open(
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
    target.expect(`DELETE ${SESSION}`, forgotten);
    await copy();
    expect(
      target.calls.map(({ line, headers }) => [line.split(" ", 1).join(), headers.authorization]),
    ).toEqual([
      ["POST", undefined],
      ["POST", "Bearer first"],
      ["PUT", "Bearer first"],
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
    expectAbandonedUpload();
    const copying = copy({
      signal: controller.signal,
      onBytes: () => controller.abort(new Error("cancelled by a person")),
    });
    await expect(copying).rejects.toThrow("cancelled by a person");
    expect(completeUploads()).toEqual([]);
  });

  it("a registry that never answers is given up", async () => {
    const impatient = createRegistryConnector({ firstByteMillis: 200, retry: { ...RETRY, retries: 0 } });
    source.always(`HEAD ${BLOB}`, () => undefined);
    try {
      await expect(impatient.open(from.settings).hasBlob("team/api", DIGEST)).rejects.toMatchObject({
        retryable: true,
        message: `waiting for ${source.host}: no answer within the time limit`,
      });
    } finally {
      await impatient.close();
    }
  });

  it("a call inside a transaction is refused", async () => {
    await expect(markTransaction(() => copy())).rejects.toThrow("inside a database transaction");
    await expect(markTransaction(() => from.hasBlob("team/api", DIGEST))).rejects.toThrow(
      "inside a database transaction",
    );
  });

  it("handles of another connector are refused", async () => {
    const other = createRegistryConnector();
    from = other.open(from.settings);
    await expect(copy()).rejects.toThrow("was opened by another connector");
    await other.close();
  });

  describe("a mount", () => {
    const MOUNT = `mount=${encodeURIComponent(DIGEST)}&from=team%2Fapi`;

    it("is done when the registry says so", async () => {
      target.expect(`POST ${UPLOADS}`, answer(201));
      expect(await to.mountBlob("prod/api", DIGEST, "team/api")).toBe(true);
      expect(linesOf(target)).toEqual([`POST ${UPLOADS}?${MOUNT}`]);
    });

    it("is declined with a plain upload, which is cancelled", async () => {
      target.expect(`POST ${UPLOADS}`, begun);
      target.expect(`DELETE ${SESSION}`, forgotten);
      expect(await to.mountBlob("prod/api", DIGEST, "team/api")).toBe(false);
    });

    it.for([403, 404, 405])("is declined with %s", async (status) => {
      target.expect(`POST ${UPLOADS}`, answer(status));
      expect(await to.mountBlob("prod/api", DIGEST, "team/api")).toBe(false);
    });

    it("that fails is no answer", async () => {
      target.always(`POST ${UPLOADS}`, answer(502));
      await expect(to.mountBlob("prod/api", DIGEST, "team/api")).rejects.toMatchObject({
        status: 502,
        retryable: true,
      });
      expect(target.calls).toHaveLength(4);
    });

    it("asks for a token that may also read the other repository", async () => {
      to = connector.open(settingsFor({ ...target, requests: [] }));
      const challenge = { "www-authenticate": `Bearer realm="http://${storage.host}/token",service="test"` };
      target.expect(`POST ${UPLOADS}`, answer(401, challenge), answer(201));
      storage.expect("GET /token", answer(200, {}, '{"access_token":"t"}'));
      expect(await to.mountBlob("prod/api", DIGEST, "team/api")).toBe(true);
      const query = new URLSearchParams(linesOf(storage)[0]?.split("?")[1]);
      expect(query.getAll("scope")).toEqual(["repository:prod/api:pull,push", "repository:team/api:pull"]);
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
    expect(await from.hasBlob("team/api", DIGEST)).toBe(true);
    expect(await from.hasBlob("team/api", DIGEST)).toBe(true);
    expect(await from.hasBlob("team/api", DIGEST)).toBe(false);
    await expect(from.hasBlob("team/api", DIGEST)).rejects.toThrow(`looking for team/api@${DIGEST}`);
  });
});
