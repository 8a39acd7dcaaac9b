import type { Stats } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../kernel/digest.ts";
import { DomainError, isDomainError } from "../kernel/errors.ts";
import { isMissing, renameDurably, type Room } from "./durable-files.ts";
import {
  adoptUpload,
  appendTo,
  type Chunks,
  storedSize,
  type UploadFile,
  verifyAndSync,
} from "./upload-file.ts";

/**
 * Blobs on their way in. An upload is a folder `uploads/<id>` with one file, which belongs to the process that
 * made it and is written by nobody else: its running hash is then the hash of the file, always. A process that
 * is handed somebody else's upload (after a restart, or another replica's) copies it, hashing, and goes on with
 * its copy. The longest file is the upload; where there is none, it is empty.
 */
export interface UploadFiles {
  /** How many bytes are in. */
  sizeOf(id: string): Promise<number>;
  /**
   * Adds bytes at `offset`, which must be where the upload stands, while no other request adds any; else
   * UPLOAD_OUT_OF_ORDER. What came in stays when the sender breaks off; nothing of it does when the bytes are
   * not `length` ones (null: unknown) or the disk is full: SIZE_MISMATCH, STORAGE_FULL. Returns the new size.
   */
  append(id: string, offset: number, chunks: Chunks, length: number | null): Promise<number>;
  /**
   * Turns the upload into the file at `path`, durably. `announce` gets its size once the bytes are verified and
   * on the disk, before they appear. Throws DIGEST_MISMATCH; the upload is gone then.
   */
  finish(
    id: string,
    digest: Digest,
    path: string,
    announce: (sizeBytes: number) => Promise<void>,
  ): Promise<void>;
  remove(id: string): Promise<void>;
  /** Every upload that has a file, with the moment of the last change to its folder. */
  list(): Promise<readonly { readonly id: string; readonly changedAt: Date }[]>;
}

/** So many running hashes are kept; an older upload is read again when it goes on. */
const MAX_OPEN = 1000;

/** The uploads under this folder, which must be on the same disk as the blobs. */
export function openUploadFiles(directory: string, room: Room): UploadFiles {
  const files = openedFiles(directory, room);
  const { folderOf, remove } = files;
  return {
    remove,
    sizeOf: async (id) => (await files.find(id))?.sizeBytes ?? storedSize(folderOf(id)),
    async append(id, offset, chunks, length) {
      await room.require(length ?? 0);
      return files.alone(id, async (file) => {
        const stands = file.sizeBytes;
        if (offset !== stands)
          throw new DomainError("UPLOAD_OUT_OF_ORDER", `The upload stands at ${stands}, not at ${offset}`);
        await appendTo(file, chunks, length, room);
        return file.sizeBytes;
      });
    },
    finish: (id, digest, path, announce) =>
      files.alone(id, async (file) => {
        try {
          await verifyAndSync(file, digest);
        } catch (error) {
          if (isDomainError(error, "DIGEST_MISMATCH")) await remove(id);
          throw error;
        }
        await announce(file.sizeBytes);
        await renameDurably(file.path, path);
        await remove(id);
      }),
    async list() {
      const ids = await readdir(directory);
      const folders = await Promise.all(ids.map((id) => statOrNull(folderOf(id))));
      return ids.flatMap((id, place) => {
        const folder = folders[place];
        return folder ? [{ id, changedAt: folder.mtime }] : [];
      });
    },
  };
}

/** The files that this process writes, and who is writing just now. */
function openedFiles(directory: string, room: Room) {
  const opened = new Map<string, UploadFile>();
  const busy = new Set<string>();
  const folderOf = (id: string): string => join(directory, id);

  /** Null when there is none, also when another process has taken it over. */
  async function find(id: string): Promise<UploadFile | null> {
    const file = opened.get(id);
    if (file && (await statOrNull(file.path))) return file;
    opened.delete(id);
    return null;
  }

  async function adopt(id: string): Promise<UploadFile> {
    const file = await adoptUpload(folderOf(id), room);
    const [oldest] = opened.keys();
    if (opened.size >= MAX_OPEN && oldest !== undefined) opened.delete(oldest);
    opened.set(id, file);
    return file;
  }

  return {
    folderOf,
    find,
    remove: async (id: string): Promise<void> => {
      opened.delete(id);
      await rm(folderOf(id), { recursive: true, force: true });
    },
    async alone<T>(id: string, work: (file: UploadFile) => Promise<T>): Promise<T> {
      if (busy.has(id))
        throw new DomainError("UPLOAD_OUT_OF_ORDER", "Another request is writing to this upload");
      busy.add(id);
      try {
        return await work((await find(id)) ?? (await adopt(id)));
      } finally {
        busy.delete(id);
      }
    },
  };
}

async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
