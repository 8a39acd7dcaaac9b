import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../kernel/digest.ts";
import { isDomainError } from "../kernel/errors.ts";
import { type FileStorage, openFileStorage } from "./file-storage.ts";

const ID = "0123456789abcdef01234567";
const bytes = (text: string): Buffer => Buffer.from(text);

async function* chunks(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield bytes(text);
    await Promise.resolve();
  }
}

async function listed(files: FileStorage): Promise<{ digest: string; path: string }[]> {
  const blobs = [];
  for await (const blob of files.list()) blobs.push(blob);
  return blobs;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: unknown) => (isDomainError(error) ? error.code : String(error)),
  );

describe("file storage", () => {
  let directory: string;
  let files: FileStorage;
  const announced: number[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "headgate-files-"));
    files = await openFileStorage(directory, { minFreeBytes: 0 });
    announced.length = 0;
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const finish = (storage: FileStorage, text: string): Promise<void> => {
    const digest = digestOf(text);
    return storage.uploads.finish(ID, digest, storage.pathOf(digest), async (sizeBytes) => {
      announced.push(sizeBytes);
      expect(await storage.sizeOf(digest)).toBeNull();
    });
  };
  const uploadFolder = (): Promise<string[]> => readdir(join(directory, "uploads", ID));

  describe("blobs", () => {
    it("are kept under their digest, whole, and read in ranges", async () => {
      const digest = await files.put(bytes("hello blob"));
      expect(digest).toBe(digestOf("hello blob"));
      expect(await files.sizeOf(digest)).toBe(10);
      expect((await buffer(await files.read(digest))).toString()).toBe("hello blob");
      expect((await buffer(await files.read(digest, { first: 6, last: 8 }))).toString()).toBe("blo");
      expect(files.pathOf(digest)).toBe(
        join(directory, "blobs", "sha256", digest.slice(7, 9), digest.slice(7)),
      );
      expect(await readdir(join(directory, "uploads"))).toEqual([]);
    });

    it("lie in folders that no other user may enter", async () => {
      const place = join(directory, "data", "registry");
      await openFileStorage(place, { minFreeBytes: 0 });
      for (const folder of [dirname(place), place, join(place, "uploads"), join(place, "blobs")])
        expect((await stat(folder)).mode & 0o777).toBe(0o700);
    });

    it("are listed without what is no blob, and gone once removed", async () => {
      const [one, two] = [await files.put(bytes("one")), await files.put(bytes("two"))];
      await writeFile(join(directory, "blobs", "sha256", "stray"), "");
      const blobs = await listed(files);
      expect(blobs.map(({ digest }) => digest).toSorted()).toEqual([one, two].toSorted());
      for (const { digest, path } of blobs) expect(path).toBe(files.pathOf(digest));
      await files.remove(one);
      await files.remove(one);
      expect(await files.sizeOf(one)).toBeNull();
      expect(await codeOf(files.read(one))).toBe("BLOB_NOT_FOUND");
    });

    it("are read to the end although they are removed meanwhile", async () => {
      const content = Buffer.alloc(2_000_000, "x");
      const digest = await files.put(content);
      const reader = await files.read(digest);
      await files.remove(digest);
      expect((await buffer(reader)).equals(content)).toBe(true);
    });

    it("have no path for what is not a digest", () => {
      expect(() => files.pathOf("sha256:../../etc/passwd")).toThrow("not a digest");
    });
  });

  describe("uploads", () => {
    it("take chunks in order and become a blob once size and digest are announced", async () => {
      expect(await files.uploads.sizeOf(ID)).toBe(0);
      expect(await files.uploads.append(ID, 0, chunks("hel", "lo "), 6)).toBe(6);
      expect(await files.uploads.append(ID, 6, chunks("world"), null)).toBe(11);
      await finish(files, "hello world");
      expect(announced).toEqual([11]);
      expect(await readFile(files.pathOf(digestOf("hello world")), "utf8")).toBe("hello world");
      expect(await files.uploads.list()).toEqual([]);
    });

    it("may be empty", async () => {
      await finish(files, "");
      expect(await files.sizeOf(digestOf(""))).toBe(0);
    });

    it("refuse a chunk that does not begin where they stand", async () => {
      await files.uploads.append(ID, 0, chunks("abc"), 3);
      expect(await codeOf(files.uploads.append(ID, 2, chunks("x"), 1))).toBe("UPLOAD_OUT_OF_ORDER");
      expect(await codeOf(files.uploads.append(ID, 4, chunks("x"), 1))).toBe("UPLOAD_OUT_OF_ORDER");
      await finish(files, "abc");
    });

    it("refuse a second writer while one writes", async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const { promise: begun, resolve: begins } = Promise.withResolvers<void>();
      const first = files.uploads.append(
        ID,
        0,
        (async function* () {
          begins();
          yield bytes("abc");
          await promise;
        })(),
        null,
      );
      await begun;
      expect(await codeOf(files.uploads.append(ID, 0, chunks("x"), 1))).toBe("UPLOAD_OUT_OF_ORDER");
      expect(await codeOf(finish(files, "abc"))).toBe("UPLOAD_OUT_OF_ORDER");
      resolve();
      expect(await first).toBe(3);
      await finish(files, "abc");
    });

    it("keep nothing of a chunk that is longer or shorter than promised", async () => {
      await files.uploads.append(ID, 0, chunks("abc"), 3);
      expect(await codeOf(files.uploads.append(ID, 3, chunks("de", "fg"), 3))).toBe("SIZE_MISMATCH");
      expect(await codeOf(files.uploads.append(ID, 3, chunks("d"), 3))).toBe("SIZE_MISMATCH");
      expect(await files.uploads.sizeOf(ID)).toBe(3);
      await finish(files, "abc");
    });

    it("keep what came in before the sender broke off, and go on from there", async () => {
      const broken = files.uploads.append(ID, 0, chunks("abc", new Error("socket hang up")), 9);
      expect(await codeOf(broken)).toContain("socket hang up");
      expect(await files.uploads.sizeOf(ID)).toBe(3);
      await files.uploads.append(ID, 3, chunks("def"), 3);
      await finish(files, "abcdef");
    });

    it("are gone after a wrong digest, with no blob and no announcement", async () => {
      await files.uploads.append(ID, 0, chunks("abc"), 3);
      expect(await codeOf(finish(files, "something else"))).toBe("DIGEST_MISMATCH");
      expect(announced).toEqual([]);
      expect(await files.uploads.list()).toEqual([]);
      expect(await listed(files)).toEqual([]);
    });

    it("stay as they are when announcing fails", async () => {
      await files.uploads.append(ID, 0, chunks("abc"), 3);
      const digest = digestOf("abc");
      const fail = (): Promise<void> => Promise.reject(new Error("no database"));
      await expect(files.uploads.finish(ID, digest, files.pathOf(digest), fail)).rejects.toThrow(
        "no database",
      );
      expect(await files.sizeOf(digest)).toBeNull();
      await finish(files, "abc");
    });

    it("go on in another process, which takes its own copy", async () => {
      await files.uploads.append(ID, 0, chunks("abc"), 3);
      const [before] = await uploadFolder();
      const other = await openFileStorage(directory, { minFreeBytes: 0 });
      expect(await other.uploads.sizeOf(ID)).toBe(3);
      await other.uploads.append(ID, 3, chunks("def"), 3);
      expect(await uploadFolder()).not.toContain(before);
      await files.uploads.append(ID, 6, chunks("ghi"), 3);
      await finish(other, "abcdefghi");
      expect(await files.uploads.list()).toEqual([]);
    });

    it("cannot smuggle foreign bytes into a blob when two processes write at once", async () => {
      await files.uploads.append(ID, 0, chunks("abc"), 3);
      const { promise, resolve } = Promise.withResolvers<void>();
      const { promise: begun, resolve: begins } = Promise.withResolvers<void>();
      const late = files.uploads.append(
        ID,
        3,
        (async function* () {
          begins();
          await promise;
          yield bytes("EVIL");
        })(),
        4,
      );
      await begun;
      const other = await openFileStorage(directory, { minFreeBytes: 0 });
      await other.uploads.append(ID, 3, chunks("good"), 4);
      resolve();
      await late;
      await finish(other, "abcgood");
      const content = await readFile(files.pathOf(digestOf("abcgood")));
      expect(createHash("sha256").update(content).digest("hex")).toBe(digestOf("abcgood").slice(7));
    });

    it("are listed with the moment of their last change, and gone once removed", async () => {
      await files.uploads.append(ID, 0, chunks("abc"), 3);
      const [upload] = await files.uploads.list();
      expect(upload?.id).toBe(ID);
      expect(upload?.changedAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
      await files.uploads.remove(ID);
      expect(await files.uploads.list()).toEqual([]);
      expect(await files.uploads.sizeOf(ID)).toBe(0);
    });
  });

  it("refuses to write when too little room would stay free", async () => {
    const full = await openFileStorage(directory, { minFreeBytes: Number.MAX_SAFE_INTEGER });
    expect(await full.room.freeBytes()).toBeGreaterThan(0);
    expect(await codeOf(full.put(bytes("x")))).toBe("STORAGE_FULL");
    expect(await codeOf(full.uploads.append(ID, 0, chunks("x"), null))).toBe("STORAGE_FULL");
    expect(await codeOf(files.uploads.append(ID, 0, chunks(), 2 ** 52))).toBe("STORAGE_FULL");
    expect(await files.uploads.list()).toEqual([]);
    expect(await listed(files)).toEqual([]);
  });
});
