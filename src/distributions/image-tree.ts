import type { RawManifest, Registry } from "../connectors/registries/registry.ts";
import { DomainError } from "../kernel/errors.ts";
import { blobsOf, childrenOf, type Manifest, parseManifest } from "../repositories/manifest.ts";
import type { SizedBlob } from "./distribution-blob-store.ts";

/** Limits of one image: how deep indexes may nest, and how many blobs it may have in all. */
const MAX_DEPTH = 3;
const MAX_BLOBS = 1000;

/** An image as it lies in a registry: its manifests, and the blobs they name. */
export interface ImageTree {
  readonly root: RawManifest;
  /** Those below before those above, so that they can be pushed in this order; the root is last. */
  readonly manifests: readonly RawManifest[];
  /** Each once. */
  readonly blobs: readonly SizedBlob[];
}

/** Where an image is read. */
export interface ImagePlace {
  readonly registry: Registry;
  readonly repository: string;
  readonly reference: string;
}

/** Reads all manifests of an image. Throws ExternalSystemError, and MANIFEST_INVALID past a limit. */
export async function loadImageTree(place: ImagePlace, signal: AbortSignal): Promise<ImageTree> {
  const manifests = new Map<string, RawManifest>();
  const blobs = new Map<string, SizedBlob>();
  const visit = async (reference: string, depth: number): Promise<RawManifest> => {
    if (depth > MAX_DEPTH)
      throw new DomainError("MANIFEST_INVALID", `The image's indexes are nested deeper than ${MAX_DEPTH}`);
    const known = manifests.get(reference);
    if (known) return known;
    const raw = await place.registry.pullManifest(place.repository, reference, signal);
    const manifest = parseManifest(new TextDecoder().decode(raw.bytes), raw.mediaType);
    for (const child of childrenOf(manifest)) await visit(child.digest, depth + 1);
    addBlobsOf(manifest, blobs);
    manifests.set(raw.digest, raw);
    return raw;
  };
  const root = await visit(place.reference, 1);
  return { root, manifests: [...manifests.values()], blobs: [...blobs.values()] };
}

function addBlobsOf(manifest: Manifest, blobs: Map<string, SizedBlob>): void {
  for (const { digest, size } of blobsOf(manifest)) blobs.set(digest, { digest, sizeBytes: size });
  if (blobs.size > MAX_BLOBS)
    throw new DomainError("MANIFEST_INVALID", `The image has more than ${MAX_BLOBS} blobs`);
}
