import { setImmediate as nextTurn } from "node:timers/promises";
import { putImages } from "./put-images.ts";
import type { FullContent, ReleaseManifest } from "./release-content.ts";
import { imageToRun, pinnedReference, type ReleaseItem } from "./release-item.ts";

/** The YAML of one service with pinned references. */
export interface RenderedManifest {
  readonly serviceName: string;
  readonly yaml: string;
}

/**
 * What is to be written: one for each service whose images are settled and that has none yet. What clients read is
 * taken before what was received, for there all references are known ones. Others get their turn between services.
 */
export async function renderManifests(content: FullContent): Promise<RenderedManifest[]> {
  const rendered: RenderedManifest[] = [];
  for (const manifest of content.manifests) {
    const items = content.items.filter((item) => item.serviceName === manifest.serviceName);
    if (!isDue(manifest) || !items.every(isSettled)) continue;
    const images = items.map((item) => ({ item, formerly: [] }));
    const yaml = await putImages(
      manifest.wireYaml ?? manifest.receivedYaml,
      images,
      (item) => pinnedReference(item) ?? imageToRun(item),
    );
    rendered.push({ serviceName: manifest.serviceName, yaml });
    await nextTurn();
  }
  return rendered;
}

const isDue = (manifest: ReleaseManifest): boolean =>
  manifest.renderedYaml === null && manifest.receivedYaml !== "";

/** Pinned, or known to stay without a pin; an image to push that could not be pinned is tried again. */
const isSettled = (item: ReleaseItem): boolean => item.pinnedDigest !== null || !item.push;
