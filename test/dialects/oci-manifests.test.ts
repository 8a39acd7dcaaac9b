import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/kernel/digest.ts";
import type { Database } from "../../src/storage/database.ts";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { recordedEvents, testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { buildTestImage, type TestContent, type TestImage } from "../support/images.ts";
import { startRegistryInside, type TestRegistryInside } from "../support/registry-inside.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const manifestPath = (repository: string, reference: string): string =>
  `/v2/${repository}/manifests/${reference}`;

const content = (mediaType: string, value: unknown): TestContent => {
  const bytes = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return { mediaType, bytes, digest: digestOf(bytes) };
};
const describeContent = ({ mediaType, digest, bytes }: TestContent) => ({
  mediaType,
  digest,
  size: bytes.length,
});

eachEngine((engine) => {
  describe("manifests of the registry inside", () => {
    let db: Database;
    let registry: TestRegistryInside;
    const tidy: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      ({ db } = await engine.open());
      const folder = await temporaryDirectory();
      registry = await startRegistryInside(testContext(db, { files: await openFileStorage(folder.path) }));
      tidy.push(folder.remove, registry.stop);
    });
    afterAll(async () => {
      for (const step of tidy.toReversed()) await step();
    });

    const pushBlobs = async (repository: string, image: TestImage): Promise<void> => {
      for (const blob of image.blobs) await registry.pushBlob(repository, blob.bytes);
    };
    const pushImage = async (repository: string, tag: string, seed: string): Promise<TestImage> => {
      const image = buildTestImage({ seed, layers: [{ seed, sizeBytes: 1000 }] });
      await pushBlobs(repository, image);
      expect((await registry.pushManifest(repository, tag, image.top)).status).toBe(201);
      return image;
    };
    const get = (repository: string, reference: string, token = registry.tokens.viewer) =>
      registry.send("GET", manifestPath(repository, reference), { token });
    const remove = (repository: string, reference: string, token = registry.tokens.admin) =>
      registry.send("DELETE", manifestPath(repository, reference), { token });
    const eventsAbout = async (text: string): Promise<string[]> =>
      (await recordedEvents(db)).filter(({ json }) => json.includes(text)).map(({ kind }) => kind);

    it("are kept byte for byte, and had by tag and by digest", async () => {
      const { top } = await pushImage("shop/kept", "1.0", "kept");
      const pushed = await registry.pushManifest("shop/kept", top.digest, top);
      expect(pushed).toMatchObject({
        status: 201,
        headers: {
          location: manifestPath("shop/kept", top.digest),
          "docker-content-digest": top.digest,
        },
      });
      for (const reference of ["1.0", top.digest]) {
        const pulled = await get("shop/kept", reference);
        expect(pulled.bytes.equals(top.bytes)).toBe(true);
        expect(pulled).toMatchObject({
          status: 200,
          headers: { "content-type": top.mediaType, "docker-content-digest": top.digest },
        });
        const head = await registry.send("HEAD", manifestPath("shop/kept", reference));
        expect(head).toMatchObject({ status: 200, text: "" });
        expect(head.headers["content-length"]).toBe(String(top.bytes.length));
      }
      expect(await eventsAbout("shop/kept")).toEqual(["repository.created", "manifest.pushed"]);
    });

    it("are refused while a blob or a child is missing, and then nothing is stored", async () => {
      const image = buildTestImage({ seed: "missing", platforms: ["linux/amd64", "linux/arm64"] });
      const [child] = image.manifests;
      if (!child) throw new Error("no child");
      const early = await registry.pushManifest("shop/missing", "1.0", child);
      expect(early).toMatchObject({ status: 404, error: "MANIFEST_BLOB_UNKNOWN" });
      expect((await registry.send("GET", "/v2/_catalog")).text).not.toContain("shop/missing");
      await pushBlobs("shop/elsewhere", image);
      for (const blob of image.blobs.slice(1)) await registry.pushBlob("shop/missing", blob.bytes);
      expect(await registry.pushManifest("shop/missing", "1.0", child)).toMatchObject({
        error: "MANIFEST_BLOB_UNKNOWN",
      });
      await pushBlobs("shop/missing", image);
      expect(await registry.pushManifest("shop/missing", "index", image.top)).toMatchObject({
        status: 404,
        error: "MANIFEST_BLOB_UNKNOWN",
      });
      expect(await get("shop/missing", "index")).toMatchObject({ status: 404, error: "MANIFEST_UNKNOWN" });
      const stored = await db.selectFrom("blobs").select("digest").execute();
      const digests = stored.map((row) => row.digest);
      for (const { digest } of [child, image.top]) expect(digests).not.toContain(digest);
      for (const one of image.manifests)
        expect(await registry.pushManifest("shop/missing", one.digest, one)).toMatchObject({ status: 201 });
      expect(await registry.pushManifest("shop/missing", "index", image.top)).toMatchObject({ status: 201 });
    });

    it("are refused when they are not what they should be", async () => {
      const { top, blobs } = await pushImage("shop/bad", "good", "bad");
      const [layer] = blobs;
      const push = (mediaType: string, value: unknown, reference = "x") =>
        registry.pushManifest("shop/bad", reference, content(mediaType, value));
      const body = JSON.parse(top.bytes.toString()) as object;
      expect(await push(OCI_IMAGE, "{ not json")).toMatchObject({ status: 400, error: "MANIFEST_INVALID" });
      expect(await push("text/plain", body)).toMatchObject({ status: 400, error: "MANIFEST_INVALID" });
      expect(await push(OCI_IMAGE, { ...body, config: null })).toMatchObject({ error: "MANIFEST_INVALID" });
      expect(await push(OCI_INDEX, body)).toMatchObject({ error: "MANIFEST_INVALID" });
      const latin1 = { mediaType: OCI_IMAGE, digest: "", bytes: Buffer.from([0x7b, 0xe9, 0x7d]) };
      expect(await registry.pushManifest("shop/bad", "x", latin1)).toMatchObject({
        error: "MANIFEST_INVALID",
      });
      const many = Array.from({ length: 1000 }, () => layer && describeContent(layer));
      expect(await push(OCI_IMAGE, { ...body, layers: many })).toMatchObject({ error: "MANIFEST_INVALID" });
      expect(await push(OCI_IMAGE, { ...body, junk: "x".repeat(4 * 1024 * 1024) })).toMatchObject({
        status: 413,
        error: "SIZE_INVALID",
      });
      const wrong = await registry.pushManifest("shop/bad", digestOf("another"), top);
      expect(wrong).toMatchObject({ status: 400, error: "DIGEST_INVALID" });
      for (const [reference, code] of [
        [`sha512:${"a".repeat(128)}`, "DIGEST_INVALID"],
        ["-dash", "MANIFEST_INVALID"],
        ["x".repeat(129), "MANIFEST_INVALID"],
        ["..%2f..", "MANIFEST_INVALID"],
      ] as const)
        expect(await registry.pushManifest("shop/bad", reference, top)).toMatchObject({
          status: 400,
          error: code,
        });
      expect((await registry.send("GET", "/v2/shop/bad/tags/list")).text).toContain('["good"]');
    });

    it("are refused from those who may not push, and without a project", async () => {
      const { top } = await pushImage("shop/roles", "1.0", "roles");
      const { viewer, outsider, root } = registry.tokens;
      const push = async (repository: string, token: string) => {
        const reply = await registry.pushManifest(repository, "2.0", top, token);
        return [reply.status, reply.error];
      };
      expect(await push("shop/roles", viewer)).toEqual([403, "DENIED"]);
      expect(await push("shop/roles", outsider)).toEqual([404, "NAME_UNKNOWN"]);
      expect(await push("nowhere/roles", outsider)).toEqual([404, "NAME_UNKNOWN"]);
      expect(await push("nowhere/roles", root)).toEqual([404, "NAME_UNKNOWN"]);
      expect((await get("shop/roles", "1.0", outsider)).error).toBe("NAME_UNKNOWN");
      for (const name of ["Shop/Api", "shop//api", "shop/../other", "shop/%2e%2e/other", "shop/a".repeat(60)])
        expect(await push(name, root)).toEqual([400, "NAME_INVALID"]);
    });

    it("may name foreign layers that nobody stores", async () => {
      const config = await registry.pushBlob("shop/windows", "{}");
      const foreign = {
        mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        digest: digestOf("a layer of windows"),
        size: 18,
        urls: ["https://example.com/layer"],
      };
      const manifest = content(OCI_IMAGE, {
        schemaVersion: 2,
        config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 2 },
        layers: [foreign],
      });
      expect(await registry.pushManifest("shop/windows", "1", manifest)).toMatchObject({ status: 201 });
    });

    it("stay when their tag moves on; the move is in the log", async () => {
      const one = await pushImage("shop/moving", "latest", "moving 1");
      const two = await pushImage("shop/moving", "latest", "moving 2");
      expect((await get("shop/moving", "latest")).headers["docker-content-digest"]).toBe(two.top.digest);
      expect((await get("shop/moving", one.top.digest)).status).toBe(200);
      const moves = (await recordedEvents(db)).filter(({ json }) => json.includes("shop/moving"));
      expect(moves.at(-1)?.kind).toBe("manifest.pushed");
      expect(moves.at(-1)?.json).toContain(one.top.digest);
      const again = (await recordedEvents(db)).length;
      await registry.pushManifest("shop/moving", "latest", two.top);
      expect(await recordedEvents(db)).toHaveLength(again);
    });

    it("are deleted with their tags by an admin; a tag alone leaves them", async () => {
      const { top } = await pushImage("shop/deleted", "1.0", "deleted");
      await registry.pushManifest("shop/deleted", "also", top);
      expect(await remove("shop/deleted", "also", registry.tokens.releaser)).toMatchObject({ status: 403 });
      expect(await remove("shop/deleted", "also")).toMatchObject({ status: 202 });
      expect(await remove("shop/deleted", "also")).toMatchObject({ status: 404, error: "MANIFEST_UNKNOWN" });
      expect((await get("shop/deleted", top.digest)).status).toBe(200);
      expect(await remove("shop/deleted", top.digest)).toMatchObject({ status: 202 });
      expect(await remove("shop/deleted", top.digest)).toMatchObject({ error: "MANIFEST_UNKNOWN" });
      expect((await get("shop/deleted", "1.0")).error).toBe("MANIFEST_UNKNOWN");
      expect((await registry.send("GET", "/v2/shop/deleted/tags/list")).text).toContain('"tags":[]');
      expect((await eventsAbout("shop/deleted")).slice(-2)).toEqual(["tag.deleted", "manifest.deleted"]);
    });

    it("keep the blobs that they name from being deleted", async () => {
      const image = await pushImage("shop/inuse", "1.0", "inuse");
      const digest = image.blobs.at(-1)?.digest ?? "";
      const deleteBlob = () =>
        registry.send("DELETE", `/v2/shop/inuse/blobs/${digest}`, { token: registry.tokens.admin });
      expect(await deleteBlob()).toMatchObject({ status: 403, error: "DENIED" });
      await remove("shop/inuse", image.top.digest);
      expect(await deleteBlob()).toMatchObject({ status: 202 });
    });

    it("that are attached to a subject are listed with it", async () => {
      const { top } = await pushImage("shop/signed", "1.0", "signed");
      const config = { mediaType: "application/vnd.example.config", size: 2, digest: digestOf("{}") };
      await registry.pushBlob("shop/signed", "{}");
      const attach = async (more: object): Promise<TestContent> => {
        const subject = describeContent(top);
        const manifest = content(OCI_IMAGE, { schemaVersion: 2, config, layers: [], subject, ...more });
        const pushed = await registry.pushManifest("shop/signed", manifest.digest, manifest);
        expect(pushed).toMatchObject({ status: 201, headers: { "oci-subject": top.digest } });
        return manifest;
      };
      const signature = await attach({ artifactType: "example/signature", annotations: { by: "me" } });
      const plain = await attach({});
      const list = (digest: string, filter = "") =>
        registry.send("GET", `/v2/shop/signed/referrers/${digest}${filter}`);
      const all = await list(top.digest);
      expect(all).toMatchObject({ status: 200, headers: { "content-type": OCI_INDEX } });
      const descriptors = [
        { ...describeContent(signature), artifactType: "example/signature", annotations: { by: "me" } },
        { ...describeContent(plain), artifactType: "application/vnd.example.config", annotations: {} },
      ].toSorted((one, other) => (one.digest < other.digest ? -1 : 1));
      expect(JSON.parse(all.text)).toEqual({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: descriptors,
      });
      expect(all.headers["oci-filters-applied"]).toBeUndefined();
      const filtered = await list(top.digest, "?artifactType=example/signature");
      expect(filtered.headers["oci-filters-applied"]).toBe("artifactType");
      expect(JSON.parse(filtered.text)).toMatchObject({ manifests: [{ digest: signature.digest }] });
      expect(JSON.parse((await list(digestOf("nobody's"))).text)).toMatchObject({ manifests: [] });
      expect((await list("latest")).error).toBe("DIGEST_INVALID");
      expect((await registry.send("GET", `/v2/shop/no/referrers/${top.digest}`)).error).toBe("NAME_UNKNOWN");
      await remove("shop/signed", signature.digest);
      expect(JSON.parse((await list(top.digest)).text)).toMatchObject({
        manifests: [{ digest: plain.digest }],
      });
    });

    it("are listed by their tags, in pages", async () => {
      const { top } = await pushImage("shop/tags", "b", "tags");
      for (const tag of ["a", "C", "1.0", "d_2"]) await registry.pushManifest("shop/tags", tag, top);
      const list = (query = "") => registry.send("GET", `/v2/shop/tags/tags/list${query}`);
      const tagsIn = (text: string): unknown => JSON.parse(text);
      expect(tagsIn((await list()).text)).toEqual({ name: "shop/tags", tags: ["1.0", "a", "b", "C", "d_2"] });
      const first = await list("?n=2");
      expect(tagsIn(first.text)).toEqual({ name: "shop/tags", tags: ["1.0", "a"] });
      expect(first.headers["link"]).toBe('</v2/shop/tags/tags/list?last=a&n=2>; rel="next"');
      const second = await list("?last=a&n=2");
      expect(tagsIn(second.text)).toMatchObject({ tags: ["b", "C"] });
      const last = await list("?last=C&n=2");
      expect(tagsIn(last.text)).toMatchObject({ tags: ["d_2"] });
      expect(last.headers["link"]).toBeUndefined();
      expect(tagsIn((await list("?n=0")).text)).toMatchObject({ tags: [] });
      for (const n of ["-1", "x", "1.5"])
        expect(await list(`?n=${n}`)).toMatchObject({ status: 400, error: "PAGINATION_NUMBER_INVALID" });
    });

    it("make repositories that the catalog lists to those who may see them", async () => {
      const { outsider, root, viewer } = registry.tokens;
      await registry.pushBlob("other/cataloged", "x", outsider);
      const list = async (token: string, query = "") => {
        const reply = await registry.send("GET", `/v2/_catalog${query}`, { token });
        return (JSON.parse(reply.text) as { repositories: string[] }).repositories;
      };
      const shop = await list(viewer);
      expect(shop.length).toBeGreaterThan(3);
      expect(shop.every((name) => name.startsWith("shop/"))).toBe(true);
      expect(shop).toEqual(shop.toSorted());
      expect((await list(outsider)).every((name) => name.startsWith("other/"))).toBe(true);
      expect(await list(root)).toEqual([...(await list(outsider)), ...shop]);
      expect(await list(viewer, `?n=2&last=${shop[0]}`)).toEqual(shop.slice(1, 3));
    });
  });
});
