import type { RawManifest, Registry } from "../connectors/registries/registry.ts";
import { DomainError } from "../kernel/errors.ts";
import { blobsOf, childrenOf, type Manifest, parseManifest } from "../repositories/manifest.ts";
import type { SizedBlob } from "./distribution-blob-store.ts";

/** Limits of one image: how deep indexes may nest, how many manifests and blobs it may have, and how long all manifests may be. */
const MAX_DEPTH = 3;
const MAX_MANIFESTS = 1000;
const MAX_BLOBS = 1000;
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
/** A manifest may promise any size; those of a whole release are added up, and must stay a number. */
export const MAX_BLOB_BYTES = 4 * 1024 ** 4;

/** An image as it lies in a registry: its manifests, and the blobs they name. */
export interface ImageTree {
  readonly root: RawManifest;
  /** Those below before those above, so that they can be pushed in this order; the root is last. */
  readonly manifests: readonly RawManifest[];
  readonly manifestBytes: number;
  /** Each once. */
  readonly blobs: readonly SizedBlob[];
}

/** A tag or digest in a repository of a registry. */
interface Place {
  readonly registry: Registry;
  readonly repository: string;
  readonly reference: string;
}

/** Reads all manifests of an image. Throws ExternalSystemError, and MANIFEST_INVALID past a limit. */
export async function loadImageTree(place: Place, signal: AbortSignal): Promise<ImageTree> {
  const manifests = new Map<string, RawManifest>();
  const blobs = new Map<string, SizedBlob>();
  let manifestBytes = 0;
  let seen = 0;
  const visit = async (reference: string, depth: number): Promise<RawManifest> => {
    if (depth > MAX_DEPTH) refuse(`The image's indexes are nested deeper than ${MAX_DEPTH}`);
    const known = manifests.get(reference);
    if (known) return known;
    seen += 1;
    if (seen > MAX_MANIFESTS) refuse(`The image has more than ${MAX_MANIFESTS} manifests`);
    const raw = await place.registry.pullManifest(place.repository, reference, signal);
    manifestBytes += raw.bytes.length;
    if (manifestBytes > MAX_MANIFEST_BYTES)
      refuse(`The image's manifests are longer than ${MAX_MANIFEST_BYTES} bytes together`);
    const manifest = parseManifest(new TextDecoder().decode(raw.bytes), raw.mediaType);
    for (const child of childrenOf(manifest)) await visit(child.digest, depth + 1);
    addBlobsOf(manifest, blobs);
    manifests.set(raw.digest, raw);
    return raw;
  };
  const root = await visit(place.reference, 1);
  return { root, manifests: [...manifests.values()], manifestBytes, blobs: [...blobs.values()] };
}

function addBlobsOf(manifest: Manifest, blobs: Map<string, SizedBlob>): void {
  for (const { digest, size } of blobsOf(manifest)) blobs.set(digest, { digest, sizeBytes: size });
  if (blobs.size > MAX_BLOBS) refuse(`The image has more than ${MAX_BLOBS} blobs`);
  const bytes = blobs.values().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > MAX_BLOB_BYTES) refuse(`The image says that it has more than ${MAX_BLOB_BYTES} bytes`);
}

function refuse(message: string): never {
  throw new DomainError("MANIFEST_INVALID", message);
}
