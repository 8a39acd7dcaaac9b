import * as z from "zod";
import { Digest } from "../kernel/digest.ts";

/**
 * How something is attached to an image. A `referrer` names its subject itself (OCI distribution specification 1.1);
 * cosign keeps signatures, attestations and SBOMs under tags that are made from the subject's digest.
 */
export const ReferrerKind = z.enum(["referrer", "cosign-signature", "cosign-attestation", "cosign-sbom"]);
export type ReferrerKind = z.output<typeof ReferrerKind>;

/** What was attached to an image when it was pinned, and is copied with it: a signature, an SBOM, an attestation. */
export const Referrer = z.object({
  digest: Digest,
  kind: ReferrerKind,
  /** What it is attached to: the image, one of its platforms, or another referrer. */
  subject: Digest,
  /** The tag that leads to it; null for one that is known by its subject alone. */
  tag: z.string().nullable(),
  mediaType: z.string(),
  /** What it says that it is, or its config's media type; null when it says nothing. */
  artifactType: z.string().nullable(),
  /** Its manifests and blobs together. */
  sizeBytes: z.int(),
  /** Whether it has been seen whole at the target. */
  copied: z.boolean(),
});
export type Referrer = z.output<typeof Referrer>;

/** The ends of cosign's tags, in the order in which they are looked for. */
const COSIGN_TAGS = [
  ["cosign-signature", "sig"],
  ["cosign-attestation", "att"],
  ["cosign-sbom", "sbom"],
] as const satisfies readonly (readonly [ReferrerKind, string])[];

/** Where cosign keeps what belongs to this digest: `sha256-<hex>.sig` and so on (cosign's specification, "Storage"). */
export const cosignTagsOf = (subject: Digest): { readonly kind: ReferrerKind; readonly tag: string }[] =>
  COSIGN_TAGS.map(([kind, end]) => ({ kind, tag: `${subject.replace(":", "-")}.${end}` }));
