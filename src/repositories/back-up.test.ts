import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { asRole, recordedEvents, testContext } from "../../test/support/context.ts";
import { otherDisk } from "../../test/support/other-disk.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import type { Context } from "../context.ts";
import { digestOf } from "../kernel/digest.ts";
import { createProject } from "../projects/create-project.ts";
import { type Database, openDatabase } from "../storage/database.ts";
import { type FileStorage, openFileStorage } from "../storage/file-storage.ts";
import { migrate } from "../storage/migrate.ts";
import { announceBlob } from "./blob-store.ts";
import type { Backup } from "./backup.ts";
import { backUp } from "./back-up.ts";
import { deleteManifest } from "./delete-manifest.ts";
import { listBackups } from "./list-backups.ts";
import { pushBlob } from "./push-blob.ts";
import { pushManifest } from "./push-manifest.ts";
import { sweepBlobs } from "./sweep-blobs.ts";

const DAY = 24 * 3_600_000;
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  await Promise.resolve();
}

describe("a backup", () => {
  let directory: string;
  let ctx: Context;
  const tidy: (() => Promise<void>)[] = [];

  const storageWith = (backupDirectory: string): Promise<FileStorage> =>
    openFileStorage(join(directory, "registry"), { minFreeBytes: 0, backupDirectory });

  beforeEach(async () => {
    const folder = await temporaryDirectory();
    directory = folder.path;
    const { db, close } = await openDatabase({ kind: "embedded", directory });
    tidy.push(folder.remove, close);
    await migrate(db);
    ctx = testContext(db, { files: await storageWith(join(directory, "backups")) });
    await createProject(ctx, { key: "shop", name: "Shop" });
  });
  afterEach(async () => {
    for (const step of tidy.splice(0).toReversed()) await step();
  });

  const push = async (content: string, repository = "shop/api"): Promise<string> => {
    const digest = digestOf(content);
    await pushBlob(ctx, { repository, digest, chunks: chunks(content), length: null });
    return digest;
  };
  const pushImage = async (config: string, repository = "shop/api"): Promise<string> => {
    const digest = await push(config, repository);
    const descriptor = { mediaType: "application/json", digest, size: config.length };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [] }));
    const reference = digestOf(bytes);
    await pushManifest(ctx, { repository, reference, mediaType: MANIFEST, bytes });
    return reference;
  };
  const fileIn = (backup: Backup, digest: string): string => {
    const hex = digest.slice("sha256:".length);
    return join(backup.folder, "registry", "blobs", "sha256", hex.slice(0, 2), hex);
  };

  /** The backup as a database, checked by SQLite itself. */
  async function openSaved(backup: Backup): Promise<Database> {
    const { db, close } = await openDatabase({ kind: "embedded", directory: backup.folder });
    tidy.push(close);
    return db;
  }

  /** Every digest that the saved database needs; each has been found in the backup, with the right bytes. */
  async function checkedDigests(backup: Backup): Promise<string[]> {
    const saved = await openSaved(backup);
    const [named, manifests, links] = await Promise.all([
      saved.selectFrom("manifest_references").select("digest").execute(),
      saved.selectFrom("manifests").select("digest").execute(),
      saved.selectFrom("repository_blobs").select("digest").execute(),
    ]);
    const needed = [...new Set([...named, ...manifests, ...links].map(({ digest }) => digest))];
    for (const digest of needed) expect(digestOf(await readFile(fileIn(backup, digest)))).toBe(digest);
    return needed;
  }

  it("holds the database and every blob, and shares the blobs' bytes with the registry inside", async () => {
    const digest = await pushImage("config");
    const backup = await backUp(ctx, { name: "first" });
    expect(backup).toMatchObject({
      name: "first",
      folder: join(directory, "backups", "first"),
      blobs: 2,
      copiedBlobs: 0,
    });
    expect((await stat(fileIn(backup, digest))).ino).toBe((await stat(ctx.files.pathOf(digest))).ino);
    expect((await stat(backup.folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(backup.folder, "headgate.db"))).mode & 0o777).toBe(0o600);
    expect((await readdir(backup.folder)).toSorted()).toEqual(["backup.json", "headgate.db", "registry"]);
    expect(await checkedDigests(backup)).toHaveLength(2);
    expect(await listBackups(ctx)).toEqual([backup]);
    const last = (await recordedEvents(ctx.db)).at(-1);
    expect(last?.kind).toBe("backup.made");
    expect(JSON.parse(last?.json ?? "")).toMatchObject({ subjectId: "first", after: { blobs: 2 } });
  });

  it("is not touched by what happens afterwards", async () => {
    const digest = await pushImage("config");
    const backup = await backUp(ctx, {});
    expect(backup.name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/);
    await deleteManifest(ctx, { repository: "shop/api", digest });
    for (const days of [2, 4, 6]) await sweepBlobs({ ...ctx, now: () => new Date(Date.now() + days * DAY) });
    expect(await ctx.files.sizeOf(digest)).toBeNull();
    await pushImage("later");
    expect((await checkedDigests(backup)).toSorted()).toEqual([digest, digestOf("config")].toSorted());
  });

  it("holds whatever its database names, while others push, delete and sweep", async () => {
    const stale = digestOf("nothing has linked this for days");
    await announceBlob(ctx.db, { digest: stale, sizeBytes: 32 }, new Date(Date.now() - 3 * DAY));
    await ctx.files.put(Buffer.from("nothing has linked this for days"));
    for (let number = 0; number < 20; number += 1) await pushImage(`before ${number}`);
    let going = true;
    const pushing = async (name: string): Promise<number> => {
      let pushed = 0;
      for (; going; pushed += 1) {
        const digest = await pushImage(`${name} ${pushed}`, `shop/${name}`);
        if (pushed % 3 === 0) await deleteManifest(ctx, { repository: `shop/${name}`, digest });
      }
      return pushed;
    };
    const sweeping = async (): Promise<void> => {
      while (going) await sweepBlobs(ctx);
    };
    const busy = [pushing("one"), pushing("two"), pushing("three")];
    const swept = sweeping();
    const backups: Backup[] = [];
    for (let round = 0; round < 4; round += 1) backups.push(await backUp(ctx, { name: `round-${round}` }));
    going = false;
    const pushed = await Promise.all(busy);
    await swept;
    expect(Math.min(...pushed)).toBeGreaterThan(0);
    const sizes: number[] = [];
    for (const backup of backups) sizes.push((await checkedDigests(backup)).length);
    expect(sizes).toEqual(sizes.toSorted((one, other) => one - other));
    expect(sizes[0]).toBeGreaterThanOrEqual(40);
    expect(await ctx.files.sizeOf(stale)).toBeNull();
  });

  it("is made alone: a second one at the same time is refused, and so is a name that is taken", async () => {
    await pushImage("config");
    const ends = await Promise.allSettled([backUp(ctx, { name: "one" }), backUp(ctx, { name: "two" })]);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(ends[1]).toMatchObject({ reason: { code: "BACKUP_RUNNING" } });
    await expect(backUp(ctx, { name: "one" })).rejects.toMatchObject({ code: "BACKUP_EXISTS" });
    await backUp(ctx, { name: "two" });
    expect((await listBackups(ctx)).map(({ name }) => name)).toEqual(["two", "one"]);
  });

  it("is there whole or not at all, and clears away what a dead process began", async () => {
    const digest = await pushImage("config");
    const backups = join(directory, "backups");
    await mkdir(join(backups, ".unfinished-dead", "registry"), { recursive: true });
    await rm(ctx.files.pathOf(digest));
    await expect(backUp(ctx, { name: "lacking" })).rejects.toMatchObject({
      code: "BACKUP_INCOMPLETE",
      message: expect.stringContaining(digest) as string,
    });
    expect(await readdir(backups)).toEqual([]);
    await writeFile(ctx.files.pathOf(digest), "cut short");
    await expect(backUp(ctx, { name: "lacking" })).rejects.toMatchObject({ code: "BACKUP_INCOMPLETE" });
    expect(await listBackups(ctx)).toEqual([]);
    expect((await recordedEvents(ctx.db)).map(({ kind }) => kind)).not.toContain("backup.made");
  });

  it("stays where it may be: names lead nowhere else", async () => {
    for (const name of ["", ".", "..", "../up", "a/b", ".hidden", "a\0b", "ü", "x".repeat(65)])
      await expect(backUp(ctx, { name })).rejects.toMatchObject({
        code: "INPUT_INVALID",
        message: expect.stringMatching(/^name: /) as string,
      });
    expect(await readdir(directory)).not.toContain("backups");
  });

  it("lists nothing but backups", async () => {
    const backups = join(directory, "backups");
    await mkdir(join(backups, "somebody's folder"), { recursive: true });
    await mkdir(join(backups, "broken"));
    await writeFile(join(backups, "broken", "backup.json"), "{");
    await writeFile(join(backups, "a file"), "");
    expect(await listBackups(ctx)).toEqual([]);
  });

  it("is for system admins alone", async () => {
    const admin = asRole(ctx, "0".repeat(24), "admin");
    await expect(backUp(admin, {})).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(listBackups(admin)).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("is refused when too little room is left", async () => {
    const backupDirectory = join(directory, "backups");
    const full = { minFreeBytes: Number.MAX_SAFE_INTEGER, backupDirectory };
    const files = await openFileStorage(join(directory, "registry"), full);
    await expect(backUp({ ...ctx, files }, {})).rejects.toMatchObject({ code: "STORAGE_FULL" });
  });

  otherDisk("on another disk", (root) => {
    it("holds copies, which stay what they are", async () => {
      const elsewhere = join(root, `headgate-test-${process.pid}`);
      tidy.push(() => rm(elsewhere, { recursive: true, force: true }));
      const digest = await pushImage("config");
      const backup = await backUp({ ...ctx, files: await storageWith(elsewhere) }, { name: "far" });
      expect(backup).toMatchObject({ folder: join(elsewhere, "far"), blobs: 2, copiedBlobs: 2 });
      expect((await stat(fileIn(backup, digest))).nlink).toBe(1);
      expect(await checkedDigests(backup)).toHaveLength(2);
    });
  });
});
