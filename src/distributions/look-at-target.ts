import type { Registry } from "../connectors/registries/registry.ts";
import type { Digest } from "../kernel/digest.ts";
import type { ReleaseItem } from "../releases/release-item.ts";

/** The digest that the item's tag at the target leads to; null when it leads nowhere. Throws ExternalSystemError. */
export const lookAtTarget = (
  registry: Registry,
  { target, targetTag }: Pick<ReleaseItem, "target" | "targetTag">,
  signal: AbortSignal,
): Promise<Digest | null> => registry.findManifest(target.repository, targetTag, signal);
