import type { Database } from "../storage/database.ts";
import type { FullContent } from "./release-content.ts";
import { setRenderedYaml } from "./release-content-store.ts";
import { imageToRun, pinnedReference, type ReleaseItem } from "./release-item.ts";
import { yamlWith } from "./resolve-services.ts";

/** Writes the YAML with pinned references, for each service whose images are settled. */
export async function renderManifests(db: Database, content: FullContent): Promise<void> {
  for (const manifest of content.manifests) {
    const items = content.items.filter((item) => item.serviceName === manifest.serviceName);
    if (manifest.renderedYaml !== null || manifest.receivedYaml === "" || !items.every(isSettled)) continue;
    const rendered = yamlWith(
      manifest.receivedYaml,
      items,
      (item) => pinnedReference(item) ?? imageToRun(item),
    );
    await setRenderedYaml(db, content.id, manifest.serviceName, rendered);
  }
}

/** Pinned, or known to stay without a pin; an image to push that could not be pinned is tried again. */
const isSettled = (item: ReleaseItem): boolean => item.pinnedDigest !== null || !item.push;
