import { beforeEach, afterEach, describe, expect, it } from "vitest";
import { recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { type Context, inTransaction } from "../context.ts";
import { digestOf } from "../kernel/digest.ts";
import { createProject } from "../projects/create-project.ts";
import { openFileStorage } from "../storage/file-storage.ts";
import { announceBlob, holdBlob } from "./blob-store.ts";
import { deleteBlob } from "./delete-blob.ts";
import { deleteManifest } from "./delete-manifest.ts";
import { expireUploads } from "./expire-uploads.ts";
import { getUpload } from "./get-upload.ts";
import { appendToUpload } from "./append-to-upload.ts";
import { mountBlob } from "./mount-blob.ts";
import { pushBlob } from "./push-blob.ts";
import { pushManifest } from "./push-manifest.ts";
import { startUpload } from "./start-upload.ts";
import { sweepBlobs } from "./sweep-blobs.ts";

const HOUR = 3_600_000;
const API = "shop/api";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  await Promise.resolve();
}

eachEngine((engine) => {
  describe("the sweep of the registry inside", () => {
    let ctx: Context;
    let now: number;
    const tidy: (() => Promise<void>)[] = [];

    beforeEach(async () => {
      now = Date.now();
      const { db } = await engine.open();
      const folder = await temporaryDirectory();
      tidy.push(folder.remove);
      const files = await openFileStorage(folder.path, { minFreeBytes: 0 });
      ctx = testContext(db, { files, now: () => new Date(now) });
      await createProject(ctx, { key: "shop", name: "Shop" });
    });
    afterEach(async () => {
      for (const step of tidy.splice(0)) await step();
    });

    const push = async (content: string, repository = API): Promise<string> => {
      const digest = digestOf(content);
      await pushBlob(ctx, { repository, digest, chunks: chunks(content), length: null });
      return digest;
    };
    const pushImage = async (config: string): Promise<string> => {
      const digest = await push(config);
      const descriptor = { mediaType: "application/json", digest, size: config.length };
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [] }));
      const reference = digestOf(bytes);
      await pushManifest(ctx, { repository: API, reference, mediaType: MANIFEST, bytes });
      return reference;
    };
    const stored = async (digest: string): Promise<boolean> => {
      const row = await ctx.db.selectFrom("blobs").select("digest").where("digest", "=", digest).execute();
      const file = (await ctx.files.sizeOf(digest)) !== null;
      expect(file).toBe(row.length === 1);
      return file;
    };

    it("removes a blob 24 h after its last link, and not before", async () => {
      const digest = await push("shared");
      await push("shared", "shop/web");
      await deleteBlob(ctx, { repository: API, digest });
      await deleteBlob(ctx, { repository: "shop/web", digest });
      const events = (await recordedEvents(ctx.db)).filter(({ kind }) => kind === "blob.deleted");
      expect(events.map(({ json }) => (JSON.parse(json) as { before: unknown }).before)).toEqual(
        [API, "shop/web"].map((repository) => ({ repository, digest })),
      );
      now += 24 * HOUR - 1;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 0 });
      expect(await stored(digest)).toBe(true);
      now += 1;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 1 });
      expect(await stored(digest)).toBe(false);
    });

    it("leaves a blob that another repository links", async () => {
      const digest = await push("shared");
      expect(await mountBlob(ctx, { repository: "shop/web", from: API, digest })).toBe(true);
      await deleteBlob(ctx, { repository: API, digest });
      const bytes = Buffer.from(
        JSON.stringify({ schemaVersion: 2, config: { mediaType: "a/b", digest, size: 6 }, layers: [] }),
      );
      await pushManifest(ctx, { repository: "shop/web", reference: "1", mediaType: MANIFEST, bytes });
      now += 99 * HOUR;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 0 });
      expect(await stored(digest)).toBe(true);
    });

    it("lets go of a deleted manifest and what only it named, but not of what another one names", async () => {
      const one = await pushImage("config of one");
      const two = await pushImage("config of two");
      now += 50 * HOUR;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 0 });
      await deleteManifest(ctx, { repository: API, digest: one });
      now += 24 * HOUR - 1;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 0 });
      now += 1;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 1, removed: 1 });
      expect(await stored(one)).toBe(false);
      now += 24 * HOUR;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 1 });
      expect(await stored(digestOf("config of one"))).toBe(false);
      for (const digest of [two, digestOf("config of two")]) expect(await stored(digest)).toBe(true);
    });

    it("lets go of blobs that no manifest came for", async () => {
      const digest = await push("never named");
      now += 24 * HOUR;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 1, removed: 0 });
      now += 24 * HOUR;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 1 });
      expect(await stored(digest)).toBe(false);
    });

    it("spares a blob that is pushed again at the last moment", async () => {
      const digest = await push("again");
      await deleteBlob(ctx, { repository: API, digest });
      now += 25 * HOUR;
      await push("again");
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 0 });
      expect(await stored(digest)).toBe(true);
    });

    it("spares a blob that is announced, and takes up what a crash left", async () => {
      const digest = digestOf("announced");
      await announceBlob(ctx.db, { digest, sizeBytes: 9 }, ctx.now());
      await ctx.files.put(Buffer.from("announced"));
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 0 });
      now += 24 * HOUR;
      expect(await sweepBlobs(ctx)).toEqual({ unlinked: 0, removed: 1 });
      expect(await stored(digest)).toBe(false);
    });

    it("never takes a blob away from a push that runs beside it", async () => {
      for (let round = 0; round < 10; round += 1) {
        const content = `contested ${round}`;
        const digest = await push(content);
        await deleteBlob(ctx, { repository: API, digest });
        now += 25 * HOUR;
        await Promise.all([sweepBlobs(ctx), push(content), sweepBlobs(ctx), push(content, "shop/web")]);
        expect(await stored(digest)).toBe(true);
      }
    });

    it("waits for a link that is being made, and then leaves the blob", async () => {
      const digest = await push("being linked");
      await deleteBlob(ctx, { repository: API, digest });
      now += 25 * HOUR;
      const { promise: held, resolve: isHeld } = Promise.withResolvers<void>();
      const { promise: go, resolve: letGo } = Promise.withResolvers<void>();
      const linking = inTransaction(ctx, async (tx) => {
        await holdBlob(tx.db, digest);
        isHeld();
        await go;
      });
      await held;
      const sweeping = sweepBlobs(ctx);
      setTimeout(letGo, 100);
      expect(await sweeping).toEqual({ unlinked: 0, removed: 0 });
      await linking;
      expect(await ctx.files.sizeOf(digest)).not.toBeNull();
    });

    it("ends uploads that rested for 24 h, and no others", async () => {
      const resting = await startUpload(ctx, { repository: API });
      const lively = await startUpload(ctx, { repository: API });
      const place = (uploadId: string) => ({ repository: API, uploadId });
      const more = { chunks: chunks("abc"), offset: null, length: null };
      await appendToUpload(ctx, { ...place(resting.id), ...more });
      now += 12 * HOUR;
      await appendToUpload(ctx, { ...place(lively.id), ...more, chunks: chunks("abc") });
      now += 12 * HOUR;
      expect(await expireUploads(ctx)).toBe(1);
      expect(await getUpload(ctx, place(lively.id))).toEqual({ id: lively.id, sizeBytes: 3 });
      await expect(getUpload(ctx, place(resting.id))).rejects.toMatchObject({ code: "UPLOAD_NOT_FOUND" });
      expect((await ctx.files.uploads.list()).map(({ id }) => id)).toEqual([lively.id]);
    });

    it("removes files of uploads that a crash left without a record", async () => {
      await ctx.files.uploads.append("f".repeat(24), 0, chunks("lost"), null);
      expect(await expireUploads(ctx)).toBe(0);
      now += 25 * HOUR;
      expect(await expireUploads(ctx)).toBe(1);
      expect(await ctx.files.uploads.list()).toEqual([]);
    });
  });
});
