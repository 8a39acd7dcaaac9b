import { createHash, type Hash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { isMissing, type Room, writeAll } from "./durable-files.ts";

export type Chunks = AsyncIterable<Uint8Array>;

/** A file that this process alone writes, with the running hash of all that is in it. */
export interface UploadFile {
  readonly path: string;
  sizeBytes: number;
  hash: Hash;
}

/** Between two looks at the free space, in bytes. */
const ROOM_STEP = 64 * 1024 * 1024;
const COPY_CHUNK = 1024 * 1024;

async function withHandle(file: UploadFile, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(file.path, "r+");
  try {
    await work(handle);
  } finally {
    await handle.close();
  }
}

/** The files in an upload's folder, the longest first. */
async function filesOf(folder: string): Promise<{ path: string; sizeBytes: number }[]> {
  try {
    const paths = (await readdir(folder)).map((name) => join(folder, name));
    const files = await Promise.all(
      paths.map(async (path) => ({ path, sizeBytes: (await stat(path)).size })),
    );
    return files.toSorted((one, other) => other.sizeBytes - one.sizeBytes);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** How many bytes lie in an upload's folder. */
export const storedSize = async (folder: string): Promise<number> =>
  (await filesOf(folder))[0]?.sizeBytes ?? 0;

/** A file of our own that begins as a copy of the longest one in the folder; the others go. */
export async function adoptUpload(folder: string, room: Room): Promise<UploadFile> {
  const [longest, ...others] = await filesOf(folder);
  const path = join(folder, randomBytes(8).toString("hex"));
  const file = { path, sizeBytes: 0, hash: createHash("sha256") };
  await mkdir(folder, { recursive: true });
  await (await open(path, "wx")).close();
  if (!longest) return file;
  await room.require(longest.sizeBytes);
  await write(file, createReadStream(longest.path, { highWaterMark: COPY_CHUNK }), Infinity, room);
  for (const other of [longest, ...others]) await rm(other.path, { force: true });
  return file;
}

/** Writes the chunks behind what is there, keeping size and hash in step with the file. */
const write = (file: UploadFile, chunks: Chunks, most: number, room: Room): Promise<void> =>
  withHandle(file, async (handle) => {
    let taken = 0;
    let checked = 0;
    for await (const chunk of chunks) {
      taken += chunk.length;
      if (taken > most) throw new DomainError("SIZE_MISMATCH", `More than the ${most} promised bytes came`);
      await writeAll(handle, chunk, file.sizeBytes);
      file.hash.update(chunk);
      file.sizeBytes += chunk.length;
      if (taken - checked < ROOM_STEP) continue;
      await room.require(0);
      checked = taken;
    }
  });

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");

/**
 * Adds the chunks. When their sender breaks off, what came in stays; when they are not `length` bytes (null:
 * unknown) or the disk is full, none of them do: SIZE_MISMATCH, STORAGE_FULL.
 */
export async function appendTo(
  file: UploadFile,
  chunks: Chunks,
  length: number | null,
  room: Room,
): Promise<void> {
  const before = { sizeBytes: file.sizeBytes, hash: file.hash.copy() };
  try {
    await write(file, chunks, length ?? Infinity, room);
    const taken = file.sizeBytes - before.sizeBytes;
    if (length !== null && taken !== length)
      throw new DomainError("SIZE_MISMATCH", `${length} bytes were promised, ${taken} came`);
  } catch (error) {
    if (error instanceof DomainError || isDiskFull(error)) Object.assign(file, before);
    // Part of a failed write may lie behind what counts.
    await withHandle(file, (handle) => handle.truncate(file.sizeBytes));
    throw isDiskFull(error) ? new DomainError("STORAGE_FULL", "The server's disk is full") : error;
  }
}

/** Brings the bytes to the disk. Throws DIGEST_MISMATCH. */
export async function verifyAndSync(file: UploadFile, digest: Digest): Promise<void> {
  const found = `sha256:${file.hash.copy().digest("hex")}`;
  if (found !== digest)
    throw new DomainError(
      "DIGEST_MISMATCH",
      `The ${file.sizeBytes} bytes have the digest ${found}, not ${digest}`,
    );
  await withHandle(file, (handle) => handle.sync());
}
