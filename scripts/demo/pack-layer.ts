import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack, type Pack } from "tar-stream";

/** A file that goes into a layer: from disk, or its text as it stands here. */
export interface LayerEntry {
  /** Its path inside the image, without a slash in front. */
  readonly name: string;
  readonly from: { readonly file: string; readonly sizeBytes: number } | { readonly text: string };
  readonly isExecutable: boolean;
}

/** A layer on disk: a gzipped tar, as registries keep it. */
export interface Layer {
  /** What it holds, in words. */
  readonly title: string;
  readonly file: string;
  /** sha256 of the file. */
  readonly digest: string;
  /** sha256 of the tar inside, which an image's configuration lists. */
  readonly diffId: string;
  readonly sizeBytes: number;
  readonly unpackedBytes: number;
}

/** Speed before size: these layers live for minutes. */
const GZIP_LEVEL = 1;
const SMALL_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Packs the entries into `file`. The same entries always give the same digest: sorted, owned by root, without
 * dates; neither tar nor gzip keep anything of this machine.
 */
export async function packLayer(title: string, entries: readonly LayerEntry[], file: string): Promise<Layer> {
  const tar = pack();
  const unpacked = measure();
  const packed = measure();
  await Promise.all([
    pipeline(
      tar as Readable,
      unpacked.stream,
      createGzip({ level: GZIP_LEVEL }),
      packed.stream,
      createWriteStream(file),
    ),
    addAll(tar, entries).catch((error: unknown) => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }),
  ]);
  return {
    title,
    file,
    digest: packed.digest(),
    diffId: unpacked.digest(),
    sizeBytes: packed.sizeBytes(),
    unpackedBytes: unpacked.sizeBytes(),
  };
}

async function addAll(tar: Pack, entries: readonly LayerEntry[]): Promise<void> {
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) await addEntry(tar, entry);
  tar.finalize();
}

async function addEntry(tar: Pack, { name, from, isExecutable }: LayerEntry): Promise<void> {
  const mode = isExecutable ? 0o755 : 0o644;
  const header = { name, mode, uid: 0, gid: 0, mtime: new Date(0), type: "file" as const };
  if ("file" in from && from.sizeBytes > SMALL_FILE_BYTES) {
    const place = tar.entry({ ...header, size: from.sizeBytes });
    await pipeline(createReadStream(from.file), place);
    return;
  }
  const content = "file" in from ? await readFile(from.file) : Buffer.from(from.text);
  await new Promise<void>((resolve, reject) => {
    tar.entry({ ...header, size: content.length }, content, (error) => (error ? reject(error) : resolve()));
  });
}

/** Lets bytes through, and counts and hashes them. */
function measure(): { stream: Transform; digest: () => string; sizeBytes: () => number } {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  return { stream, digest: () => `sha256:${hash.digest("hex")}`, sizeBytes: () => sizeBytes };
}
