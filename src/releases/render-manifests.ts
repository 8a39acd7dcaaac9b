import type { FullContent } from "./release-content.ts";
import { imageToRun, pinnedReference, type ReleaseItem } from "./release-item.ts";
import { yamlWith } from "./resolve-services.ts";

/** The YAML of one service with pinned references. */
export interface RenderedManifest {
  readonly serviceName: string;
  readonly yaml: string;
}

/** What is to be written: one for each service whose images are settled and that has none yet. */
export const renderManifests = (content: FullContent): RenderedManifest[] =>
  content.manifests.flatMap((manifest) => {
    const items = content.items.filter((item) => item.serviceName === manifest.serviceName);
    if (manifest.renderedYaml !== null || manifest.receivedYaml === "" || !items.every(isSettled)) return [];
    const yaml = yamlWith(manifest.receivedYaml, items, (item) => pinnedReference(item) ?? imageToRun(item));
    return [{ serviceName: manifest.serviceName, yaml }];
  });

/** Pinned, or known to stay without a pin; an image to push that could not be pinned is tried again. */
const isSettled = (item: ReleaseItem): boolean => item.pinnedDigest !== null || !item.push;
