import { imageToRun, type ReleaseItem } from "./release-item.ts";

/** An image of a release, and what else than its own references the YAML may call it. */
export interface NamedImage {
  readonly item: ReleaseItem;
  readonly formerly: readonly string[];
}

/**
 * The YAML with each image replaced by what `reference` says of it. Outside of its own container an image is found
 * by the whole of its source or target reference, as either may stand in a client's YAML. Throws INPUT_INVALID.
 */
export async function putImages(
  yaml: string,
  images: readonly NamedImage[],
  reference: (item: ReleaseItem) => string,
): Promise<string> {
  // Loaded with the first YAML: what reads it is large, and not every release has any.
  const { renderYaml } = await import("./render-yaml.ts");
  const replacements = images.flatMap(({ item, formerly }) => {
    const names = new Set([item.sourceImage, item.targetImage, ...formerly].filter((name) => name !== ""));
    return [...names].map((from) => ({
      containerName: item.containerName,
      from,
      to: reference(item),
    }));
  });
  return renderYaml(yaml, replacements).text;
}

/** The YAML as its clients will read it, with the references that they sent. */
export const putTargets = (yaml: string, images: readonly NamedImage[]): Promise<string> =>
  putImages(yaml, images, imageToRun);
