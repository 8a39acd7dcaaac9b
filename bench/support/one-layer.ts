import { createCipheriv, createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { pushBuiltImage, type TestContent } from "../../test/support/images.ts";
import type { ImageSet } from "./image-set.ts";

const CHUNK = 1024 * 1024;
const CONFIG = "application/vnd.oci.image.config.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/**
 * Pushes an image with one layer of this many incompressible bytes, packed by gzip as it is sent, so that it may be
 * larger than memory. The layer is no archive: nobody on its way unpacks it.
 */
export async function pushOneLayer(host: string, mebibytes: number): Promise<ImageSet> {
  const repository = "build/one-layer";
  const unpacked = createHash("sha256");
  const layer = await pushBlob(host, repository, noise(mebibytes, unpacked));
  const config = contentOf(CONFIG, {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [`sha256:${unpacked.digest("hex")}`] },
  });
  const top = contentOf(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, digest: config.digest, size: config.bytes.length },
    layers: [{ mediaType: LAYER, digest: layer.digest, size: layer.sizeBytes }],
  });
  await pushBuiltImage(host, repository, "1.0.0", { top, manifests: [top], blobs: [config] });
  return {
    images: [{ repository, tag: "1.0.0", digest: top.digest }],
    blobs: [layer, { digest: config.digest, sizeBytes: config.bytes.length }],
    separateBytes: layer.sizeBytes + config.bytes.length,
  };
}

/** The same bytes every time. */
function* noise(mebibytes: number, hash: ReturnType<typeof createHash>): Generator<Buffer> {
  const cipher = createCipheriv("aes-256-ctr", Buffer.alloc(32, "one layer"), Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK);
  for (let chunk = 0; chunk < mebibytes; chunk += 1) {
    const bytes = cipher.update(zeros);
    hash.update(bytes);
    yield bytes;
  }
}

/** Sends a blob whose digest is known only at its end. */
async function pushBlob(host: string, repository: string, content: Iterable<Buffer>) {
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: "POST" });
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const packed = Readable.from(content).pipe(createGzip({ level: 0, chunkSize: CHUNK }));
  packed.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    sizeBytes += chunk.length;
  });
  const sent = await fetch(locationOf(begun, 202), {
    method: "PATCH",
    body: Readable.toWeb(packed) as ReadableStream,
    duplex: "half",
    headers: { "content-type": "application/octet-stream" },
  });
  const digest = `sha256:${hash.digest("hex")}`;
  const ended = await fetch(`${locationOf(sent, 202)}&digest=${digest}`, { method: "PUT" });
  locationOf(ended, 201);
  return { digest, sizeBytes };
}

function locationOf(reply: Response, wanted: number): string {
  if (reply.status !== wanted)
    throw new Error(`the registry answered ${reply.status}, ${wanted} was expected`);
  return reply.headers.get("location") ?? "";
}

function contentOf(mediaType: string, value: object): TestContent {
  const bytes = Buffer.from(JSON.stringify(value));
  return { mediaType, bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}
