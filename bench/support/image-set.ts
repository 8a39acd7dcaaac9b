import { buildTestImage, pushBuiltImage, type TestLayer } from "../../test/support/images.ts";

const MIB = 1024 * 1024;

/** Layers that all images of a family have in common, in MiB. */
const BASE_MIB = [30, 12, 2];
/** What an image has for itself, in MiB: 40.2 in all, in 3, 4 or 5 layers. */
const OWN_MIB = [
  [20, 12, 6, 2, 0.2],
  [24, 12, 4, 0.2],
  [28, 10, 2.2],
];

/** One image of the set, where it lies. */
export interface SetImage {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

export interface ImageSet {
  readonly images: readonly SetImage[];
  /** Configs and layers, each once. */
  readonly blobs: readonly { readonly digest: string; readonly sizeBytes: number }[];
  /** What the images would weigh without shared layers. */
  readonly separateBytes: number;
}

function layersOf(image: number, scale: number): readonly TestLayer[] {
  const family = image % 2 === 0 ? "even" : "odd";
  const layer = (seed: string, mebibytes: number): TestLayer => ({
    seed,
    sizeBytes: Math.round(mebibytes * MIB * scale),
  });
  const own = OWN_MIB[image % OWN_MIB.length] ?? [];
  return [
    ...BASE_MIB.map((size, place) => layer(`base-${family}-${place}`, size)),
    ...own.map((size, place) => layer(`own-${image}-${place}`, size)),
  ];
}

/**
 * Pushes ten images in two families, each family with three layers of its own in common: 6 to 8 layers an image,
 * half of them with Docker's media types and half with OCI's, incompressible bytes that are the same in every run.
 * `scale` less than 1 makes every layer smaller.
 */
export async function pushTenImages(host: string, scale = 1): Promise<ImageSet> {
  const images: SetImage[] = [];
  const blobs = new Map<string, number>();
  let separateBytes = 0;
  for (let image = 0; image < 10; image += 1) {
    const built = buildTestImage({
      seed: `image ${image}`,
      format: image < 5 ? "docker" : "oci",
      layers: layersOf(image, scale),
    });
    const place = { repository: `build/service-${image}`, tag: "1.0.0" };
    await pushBuiltImage(host, place.repository, place.tag, built);
    images.push({ ...place, digest: built.top.digest });
    for (const { digest, bytes } of built.blobs) {
      blobs.set(digest, bytes.length);
      separateBytes += bytes.length;
    }
  }
  return {
    images,
    blobs: [...blobs].map(([digest, sizeBytes]) => ({ digest, sizeBytes })),
    separateBytes,
  };
}

/** The repository of an image at a target: the same but for its first part. */
export const targetRepository = (image: SetImage, namespace: string): string =>
  image.repository.replace(/^[^/]+/, namespace);

/** The set in a few words. */
export function describeSet({ images, blobs, separateBytes }: ImageSet): string {
  const unique = blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const mebibytes = (bytes: number): string => (bytes / MIB).toFixed(0);
  return (
    `${images.length} images, ${blobs.length} unique blobs of ${mebibytes(unique)} MiB ` +
    `(${mebibytes(separateBytes)} MiB as separate images)`
  );
}
