import { DomainError, ExternalSystemError } from "../kernel/errors.ts";
import type { Referrer } from "../releases/referrer.ts";
import { type Manifest, parseManifest } from "../repositories/manifest.ts";
import type { ImageTree } from "./image-tree.ts";

/** A referrer with all that it consists of. */
export interface ReferrerTree {
  readonly referrer: Referrer;
  readonly tree: ImageTree;
}

/** What the manifest at the root says. */
export const readRoot = ({ root }: ImageTree): Manifest =>
  parseManifest(new TextDecoder().decode(root.bytes), root.mediaType);

/** Its blobs and manifests together. */
export const bytesOf = ({ blobs, manifestBytes }: ImageTree): number =>
  blobs.reduce((sum, blob) => sum + blob.sizeBytes, manifestBytes);

/** Why an image fails whose referrer cannot be had. The unforeseen stays as it is. */
export function referrerFailure(referrer: Pick<Referrer, "kind" | "digest" | "subject">, error: unknown) {
  if (!(error instanceof ExternalSystemError || error instanceof DomainError)) return error;
  const { kind, digest, subject } = referrer;
  return new DomainError(
    "REFERRER_NOT_COPIED",
    `The ${kind} ${digest} of ${subject} cannot be copied: ${error.message}`,
  );
}

/** Does something for one referrer; a failure names it. */
export async function forReferrer<T>(
  referrer: Pick<Referrer, "kind" | "digest" | "subject">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw referrerFailure(referrer, error);
  }
}
