import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/kernel/digest.ts";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { basic, startRegistryInside, type TestRegistryInside } from "../support/registry-inside.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const UPLOADS = "/v2/shop/api/blobs/uploads/";
const blobPath = (digest: string, repository = "shop/api"): string => `/v2/${repository}/blobs/${digest}`;

eachEngine((engine) => {
  describe("blobs of the registry inside", () => {
    let registry: TestRegistryInside;
    let directory: string;
    const tidy: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      const { db } = await engine.open();
      const folder = await temporaryDirectory();
      directory = folder.path;
      registry = await startRegistryInside(testContext(db, { files: await openFileStorage(directory) }));
      tidy.push(folder.remove, registry.stop);
    });
    afterAll(async () => {
      for (const step of tidy.toReversed()) await step();
    });

    const begin = async (): Promise<string> => {
      const reply = await registry.send("POST", UPLOADS);
      expect(reply).toMatchObject({ status: 202, headers: { range: "0-0" } });
      return reply.headers["location"] ?? "";
    };
    const patch = (location: string, body: string, range?: string) =>
      registry.send("PATCH", location, { body, headers: range ? { "content-range": range } : {} });
    const filesUnder = (...path: string[]): Promise<string[]> => readdir(join(directory, ...path));

    it("go in by one request and come out as they were", async () => {
      const content = randomBytes(300_000);
      const digest = digestOf(content);
      const pushed = await registry.send("POST", `${UPLOADS}?digest=${digest}`, { body: content });
      expect(pushed).toMatchObject({
        status: 201,
        headers: { location: blobPath(digest), "docker-content-digest": digest },
      });
      const pulled = await registry.send("GET", blobPath(digest), { token: registry.tokens.viewer });
      expect(pulled.bytes.equals(content)).toBe(true);
      expect(pulled).toMatchObject({
        status: 200,
        headers: {
          "content-length": "300000",
          "content-type": "application/octet-stream",
          "docker-content-digest": digest,
          "docker-distribution-api-version": "registry/2.0",
          "accept-ranges": "bytes",
        },
      });
      const head = await registry.send("HEAD", blobPath(digest), { token: registry.tokens.viewer });
      expect(head).toMatchObject({ status: 200, text: "", headers: { "content-length": "300000" } });
    });

    it("go in by a PUT after the POST, also with nothing in them", async () => {
      for (const content of ["by post and put", ""]) {
        const digest = digestOf(content);
        const finished = await registry.send("PUT", `${await begin()}?digest=${digest}`, { body: content });
        expect(finished).toMatchObject({ status: 201, headers: { "docker-content-digest": digest } });
        const pulled = await registry.send("GET", blobPath(digest));
        expect(pulled).toMatchObject({ status: 200, text: content });
        expect(pulled.headers["content-length"]).toBe(String(content.length));
      }
    });

    it("go in by chunks, which are checked for their place", async () => {
      const location = await begin();
      const first = await patch(location, "hello ", "0-5");
      expect(first).toMatchObject({ status: 202, headers: { range: "0-5", location } });
      for (const wrong of ["0-5", "5-10", "7-12"]) {
        const refused = await patch(location, "world!", wrong);
        expect(refused).toMatchObject({
          status: 416,
          error: "BLOB_UPLOAD_INVALID",
          headers: { range: "0-5" },
        });
      }
      expect(await patch(location, "world", "6-10")).toMatchObject({
        status: 202,
        headers: { range: "0-10" },
      });
      expect(await registry.send("GET", location)).toMatchObject({
        status: 204,
        headers: { range: "0-10", location },
      });
      const digest = digestOf("hello world!");
      const finished = await registry.send("PUT", `${location}?digest=${digest}`, {
        body: "!",
        headers: { "content-range": "11-11" },
      });
      expect(finished.status).toBe(201);
      expect((await registry.send("GET", blobPath(digest))).text).toBe("hello world!");
      expect(await registry.send("GET", location)).toMatchObject({
        status: 404,
        error: "BLOB_UPLOAD_UNKNOWN",
      });
    });

    it("go in by one PATCH of unknown length", async () => {
      const location = await begin();
      const parts = Array.from({ length: 40 }, (_, place) => Buffer.alloc(50_000, String(place)));
      const patched = await registry.send("PATCH", location, { body: Readable.from(parts) });
      expect(patched).toMatchObject({ status: 202, headers: { range: "0-1999999" } });
      const digest = digestOf(Buffer.concat(parts));
      expect(await registry.send("PUT", `${location}?digest=${digest}`)).toMatchObject({ status: 201 });
    });

    it("are refused when range and length of a chunk contradict each other, and nothing of it stays", async () => {
      const location = await begin();
      await patch(location, "abc", "0-2");
      expect(await patch(location, "defg", "3-4")).toMatchObject({ status: 400, error: "SIZE_INVALID" });
      for (const parts of [["de", "fg"], ["d"]]) {
        const body = Readable.from(parts);
        const refused = await registry.send("PATCH", location, { body, headers: { "content-range": "3-5" } });
        expect(refused).toMatchObject({ status: 400, error: "SIZE_INVALID" });
      }
      for (const nonsense of ["5", "5-3", "a-b", "-1-5"])
        expect(await patch(location, "x", nonsense)).toMatchObject({
          status: 400,
          error: "BLOB_UPLOAD_INVALID",
        });
      expect((await registry.send("GET", location)).headers["range"]).toBe("0-2");
      expect(await registry.send("PUT", `${location}?digest=${digestOf("abc")}`)).toMatchObject({
        status: 201,
      });
    });

    it("are refused with a wrong digest, and nothing is stored", async () => {
      const wrong = digestOf("what was promised");
      const location = await begin();
      const uploads = await filesUnder("uploads");
      expect(await registry.send("PUT", `${location}?digest=${wrong}`, { body: "what came" })).toMatchObject({
        status: 400,
        error: "DIGEST_INVALID",
      });
      const refused = await registry.send("POST", `${UPLOADS}?digest=${wrong}`, { body: "what came" });
      expect(refused).toMatchObject({ status: 400, error: "DIGEST_INVALID" });
      const first = await registry.send("POST", `/v2/shop/never/blobs/uploads/?digest=${wrong}`, {
        body: "x",
      });
      expect(first).toMatchObject({ status: 400, error: "DIGEST_INVALID" });
      expect((await registry.send("GET", "/v2/_catalog")).text).not.toContain("shop/never");
      for (const digest of [wrong, digestOf("what came")])
        expect(await registry.send("HEAD", blobPath(digest))).toMatchObject({ status: 404 });
      expect(await registry.send("GET", location)).toMatchObject({ status: 404 });
      expect(await filesUnder("uploads")).toEqual(uploads);
    });

    it("are refused under digests that are none", async () => {
      const hex = "a".repeat(64);
      for (const digest of [
        `sha512:${hex}${hex}`,
        `sha256:${hex.toUpperCase()}`,
        "sha256:abc",
        `md5:${hex}`,
        hex,
        "..%2f..%2fkey",
      ]) {
        expect(await registry.send("GET", blobPath(digest))).toMatchObject({
          status: 400,
          error: "DIGEST_INVALID",
        });
        expect(await registry.send("POST", `${UPLOADS}?digest=${digest}`, { body: "x" })).toMatchObject({
          status: 400,
          error: "DIGEST_INVALID",
        });
      }
      const location = await begin();
      expect(await registry.send("PUT", location)).toMatchObject({ status: 400, error: "DIGEST_INVALID" });
    });

    it("can be read in ranges", async () => {
      const digest = await registry.pushBlob("shop/api", "0123456789");
      const ranges: [string, number, string, string | undefined][] = [
        ["bytes=2-4", 206, "234", "bytes 2-4/10"],
        ["bytes=7-", 206, "789", "bytes 7-9/10"],
        ["bytes=7-999", 206, "789", "bytes 7-9/10"],
        ["bytes=-3", 206, "789", "bytes 7-9/10"],
        ["bytes=-50", 206, "0123456789", "bytes 0-9/10"],
        ["bytes=0-0", 206, "0", "bytes 0-0/10"],
        ["bytes=5-2", 200, "0123456789", undefined],
        ["bytes=0-1,3-4", 200, "0123456789", undefined],
        ["lines=1-2", 200, "0123456789", undefined],
      ];
      for (const [range, status, text, contentRange] of ranges) {
        const reply = await registry.send("GET", blobPath(digest), { headers: { range } });
        expect({ range, status: reply.status, text: reply.text }).toEqual({ range, status, text });
        expect(reply.headers["content-range"]).toBe(contentRange);
        expect(reply.headers["content-length"]).toBe(String(text.length));
      }
      for (const range of ["bytes=10-", "bytes=10-12", "bytes=-0"])
        expect(await registry.send("GET", blobPath(digest), { headers: { range } })).toMatchObject({
          status: 416,
          headers: { "content-range": "bytes */10" },
          error: "SIZE_INVALID",
        });
    });

    it("are known only where they are linked, and to those who may see it", async () => {
      const { outsider, root } = registry.tokens;
      const digest = await registry.pushBlob("shop/api", "a secret of the shop");
      await registry.pushBlob("other/app", "something else", outsider);
      const elsewhere = await registry.send("HEAD", blobPath(digest, "other/app"), { token: outsider });
      expect(elsewhere.status).toBe(404);
      expect(await registry.send("GET", blobPath(digest, "other/app"), { token: root })).toMatchObject({
        status: 404,
        error: "BLOB_UNKNOWN",
      });
      const [hidden, absent] = await Promise.all([
        registry.send("GET", blobPath(digest), { token: outsider }),
        registry.send("GET", blobPath(digest, "nowhere/api"), { token: outsider }),
      ]);
      expect(hidden).toMatchObject({ status: 404, error: "NAME_UNKNOWN" });
      expect(hidden.text.replaceAll("shop/api", "")).toBe(absent.text.replaceAll("nowhere/api", ""));
    });

    it("are mounted from where the caller may pull, else an upload begins", async () => {
      const { outsider, root } = registry.tokens;
      const digest = await registry.pushBlob("shop/api", "a shared layer");
      const mount = (from: string, to: string, token?: string) =>
        registry.send(
          "POST",
          `/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`,
          token ? { token } : {},
        );
      expect(await mount("shop/api", "shop/web")).toMatchObject({
        status: 201,
        headers: { location: blobPath(digest, "shop/web"), "docker-content-digest": digest },
      });
      expect((await registry.send("GET", blobPath(digest, "shop/web"))).text).toBe("a shared layer");

      expect(await mount("shop/api", "other/app", outsider)).toMatchObject({ status: 202 });
      expect(await registry.send("HEAD", blobPath(digest, "other/app"), { token: outsider })).toMatchObject({
        status: 404,
      });
      for (const from of ["shop/nothing", "nowhere/api", "..%2fshop", ""])
        expect(await mount(from, "shop/new")).toMatchObject({ status: 202, headers: { range: "0-0" } });
      expect(await mount("shop/api", "other/app", root)).toMatchObject({ status: 201 });
      expect(await mount("shop/api", "shop/web", registry.tokens.viewer)).toMatchObject({ status: 403 });
      expect(await registry.send("POST", `${UPLOADS}?mount=sha256:no&from=shop/api`)).toMatchObject({
        error: "DIGEST_INVALID",
      });
    });

    it("are unlinked by an admin, from one repository alone", async () => {
      const digest = await registry.pushBlob("shop/one", "to be deleted");
      await registry.pushBlob("shop/two", "to be deleted");
      const remove = (token: string) => registry.send("DELETE", blobPath(digest, "shop/one"), { token });
      expect(await remove(registry.tokens.releaser)).toMatchObject({ status: 403, error: "DENIED" });
      expect(await remove(registry.tokens.admin)).toMatchObject({ status: 202 });
      expect(await remove(registry.tokens.admin)).toMatchObject({ status: 404, error: "BLOB_UNKNOWN" });
      expect((await registry.send("GET", blobPath(digest, "shop/two"))).text).toBe("to be deleted");
    });

    it("can be given up half-way", async () => {
      const location = await begin();
      await patch(location, "abc");
      expect(await registry.send("DELETE", location)).toMatchObject({ status: 204 });
      expect(await registry.send("PATCH", location, { body: "d" })).toMatchObject({
        status: 404,
        error: "BLOB_UPLOAD_UNKNOWN",
      });
    });

    it("belong to the repository that their upload began in", async () => {
      const location = await begin();
      await registry.pushBlob("shop/web", "x");
      for (const id of [location.split("/").at(-1), "0".repeat(24), "..%2f..%2fkey", "%00"])
        expect(await registry.send("PATCH", `/v2/shop/web/blobs/uploads/${id}`, { body: "x" })).toMatchObject(
          {
            status: 404,
            error: "BLOB_UPLOAD_UNKNOWN",
          },
        );
    });

    it("whose sender breaks off can be gone on with", async () => {
      const location = await begin();
      const content = randomBytes(3_000_000);
      await new Promise<void>((resolve) => {
        const broken = httpRequest(`${registry.url}${location}`, {
          method: "PATCH",
          headers: { authorization: basic(registry.tokens.releaser), "content-length": content.length },
        });
        broken.on("error", () => resolve());
        broken.write(content.subarray(0, 1_000_000), () => setTimeout(() => broken.destroy(), 100));
      });
      const standing = async (): Promise<number> => {
        const range = (await registry.send("GET", location)).headers["range"] ?? "";
        return Number(range.split("-")[1]) + 1;
      };
      await expect.poll(standing, { timeout: 10_000 }).toBeGreaterThan(500_000);
      const resume = async () => {
        const from = await standing();
        return registry.send("PATCH", location, {
          body: content.subarray(from),
          headers: { "content-range": `${from}-${content.length - 1}` },
        });
      };
      await expect.poll(async () => (await resume()).status, { timeout: 10_000 }).toBe(202);
      const digest = digestOf(content);
      expect(await registry.send("PUT", `${location}?digest=${digest}`)).toMatchObject({ status: 201 });
      expect((await registry.send("GET", blobPath(digest))).bytes.equals(content)).toBe(true);
    });

    it("are not read to the end when they are refused", async () => {
      let sent = 0;
      const endless = new Readable({
        read() {
          sent += 65_536;
          this.push(sent < 2 ** 31 ? Buffer.alloc(65_536) : null);
        },
      });
      const refused = await registry
        .send("POST", `${UPLOADS}?digest=sha256:nonsense`, { body: endless })
        .then(
          (reply) => reply.status,
          () => "cut off",
        );
      expect([400, "cut off"]).toContain(refused);
      expect(sent).toBeLessThan(2 ** 28);
    });
  });

  it("the registry inside takes nothing in when too little room is left", async () => {
    const { db } = await engine.open();
    const folder = await temporaryDirectory();
    const files = await openFileStorage(folder.path, { minFreeBytes: Number.MAX_SAFE_INTEGER });
    const registry = await startRegistryInside(testContext(db, { files }));
    try {
      for (const path of [UPLOADS, `${UPLOADS}?digest=${digestOf("x")}`]) {
        const refused = await registry.send("POST", path, { body: "x" });
        expect(refused).toMatchObject({ status: 507, error: "UNAVAILABLE" });
        expect(refused.text).toContain("make room on it");
      }
      expect(await registry.send("GET", "/v2/_catalog")).toMatchObject({ text: '{"repositories":[]}' });
    } finally {
      await registry.stop();
      await folder.remove();
    }
  });
});
