import { randomBytes } from "node:crypto";
import { mkdir, open, opendir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { type Digest, digestOf, isDigest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { BACKUPS_FOLDER } from "./data-directory.ts";
import { type BackupFolders, openBackupFolders } from "./backup-folders.ts";
import {
  isMissing,
  makeDirectory,
  renameDurably,
  type Room,
  syncDirectory,
  watchRoom,
  writeAll,
} from "./durable-files.ts";
import { openUploadFiles, type UploadFiles } from "./upload-files.ts";

/** Bytes from `first` to `last`, both included, as HTTP counts. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Bytes by their digest, in a folder: `blobs/sha256/ab/<64 hex>`. A blob's file is there whole or not at all,
 * whatever happens to process or machine; what was acknowledged stays. Blob files never change, so a
 * back-up may hard-link them.
 */
export interface FileStorage {
  readonly room: Room;
  readonly uploads: UploadFiles;
  readonly backups: BackupFolders;
  /** Where the file of this blob is, or would be. */
  pathOf(digest: Digest): string;
  /** In bytes; null when there is no such blob. */
  sizeOf(digest: Digest): Promise<number | null>;
  /** Throws BLOB_NOT_FOUND. The reader goes on to the end even when the blob is removed meanwhile. */
  read(digest: Digest, range?: ByteRange): Promise<Readable>;
  /** Stores these bytes; durable when it returns. Throws STORAGE_FULL. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Does nothing when there is no such blob. */
  remove(digest: Digest): Promise<void>;
  /** Every blob file, in no order; ones that come or go meanwhile may be missing. */
  list(): AsyncIterable<{ readonly digest: Digest; readonly path: string }>;
}

/** Below this much free space nothing more is written. */
export const MIN_FREE_BYTES = 1024 ** 3;

const READ_CHUNK = 256 * 1024;

/** Makes all folders at the start, so that no blob ever waits for its folder to be on the disk. */
async function makeFolders(directory: string): Promise<{ blobs: string; uploads: string }> {
  const blobs = join(directory, "blobs", "sha256");
  const uploads = join(directory, "uploads");
  for (const folder of [directory, dirname(blobs), blobs, uploads]) await makeDirectory(folder);
  for (let prefix = 0; prefix < 256; prefix += 1)
    await mkdir(join(blobs, prefix.toString(16).padStart(2, "0")), { recursive: true });
  await syncDirectory(blobs);
  return { blobs, uploads };
}

/** Opens the storage in this folder, making it when it is not there. */
export async function openFileStorage(
  directory: string,
  options: { readonly minFreeBytes?: number; readonly backupDirectory?: string } = {},
): Promise<FileStorage> {
  const { blobs, uploads } = await makeFolders(directory);
  const minFreeBytes = options.minFreeBytes ?? MIN_FREE_BYTES;
  const room = watchRoom(directory, minFreeBytes);

  function pathOf(digest: Digest): string {
    if (!isDigest(digest)) throw new Error(`not a digest: ${digest}`);
    const hex = digest.slice("sha256:".length);
    return join(blobs, hex.slice(0, 2), hex);
  }

  async function put(bytes: Uint8Array): Promise<Digest> {
    await room.require(bytes.length);
    const digest = digestOf(bytes);
    const folder = join(uploads, `put-${randomBytes(8).toString("hex")}`);
    await mkdir(folder);
    const path = join(folder, "bytes");
    try {
      const handle = await open(path, "wx");
      try {
        await writeAll(handle, bytes, 0);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await renameDurably(path, pathOf(digest));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return digest;
  }

  return {
    room,
    uploads: openUploadFiles(uploads, room),
    backups: openBackupFolders(options.backupDirectory ?? join(directory, BACKUPS_FOLDER), minFreeBytes),
    pathOf,
    put,
    sizeOf: (digest) => stat(pathOf(digest)).then((file) => file.size, nullWhenMissing),
    remove: (digest) => rm(pathOf(digest), { force: true }),
    async read(digest, range) {
      const handle = await open(pathOf(digest), "r").catch(nullWhenMissing);
      if (!handle) throw new DomainError("BLOB_NOT_FOUND", `Unknown blob ${digest}`);
      return handle.createReadStream({
        highWaterMark: READ_CHUNK,
        ...(range ? { start: range.first, end: range.last } : {}),
      });
    },
    async *list() {
      for await (const entry of await opendir(blobs, { recursive: true })) {
        const digest = `sha256:${entry.name}`;
        if (entry.isFile() && isDigest(digest)) yield { digest, path: join(entry.parentPath, entry.name) };
      }
    },
  };
}

function nullWhenMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
