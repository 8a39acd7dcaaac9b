import type { Registry } from "../connectors/registries/registry.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { type Manifest, parseManifest } from "../repositories/manifest.ts";
import type { ImageTree } from "./image-tree.ts";
import { readRoot } from "./referrer-tree.ts";

/** A tag of a repository at the target. */
export interface TagPlace {
  readonly target: Registry;
  readonly repository: string;
  readonly tag: string;
}

/**
 * How much of a manifest a tag holds: nothing, a part, all of it (and maybe more), or something else. All signatures
 * of a digest share cosign's tag, and each is a layer: the same one may be signed again on either side.
 */
export async function heldUnderTag(
  { target, repository, tag }: TagPlace,
  own: ImageTree,
  signal: AbortSignal,
): Promise<"nothing" | "part" | "all" | "other"> {
  const digest = await target.findManifest(repository, tag, signal);
  if (digest === null) return "nothing";
  if (digest === own.root.digest) return "all";
  const { bytes, mediaType } = await target.pullManifest(repository, digest, signal);
  const held = partsOf(parseManifest(new TextDecoder().decode(bytes), mediaType));
  const wanted = partsOf(readRoot(own));
  if (wanted.isSubsetOf(held)) return "all";
  return held.isSubsetOf(wanted) ? "part" : "other";
}

/** A signature is in its layer's annotations; the layer itself says only what is signed. */
const partsOf = ({ layers, manifests }: Manifest): Set<string> =>
  new Set(
    [...layers, ...manifests].map(({ digest, annotations }) =>
      canonicalJson({ digest, annotations: annotations ?? {} }),
    ),
  );
