import { createReadStream } from "node:fs";
import type { PackedImage } from "./pack-images.ts";
import type { Layer } from "./pack-layer.ts";
import { openRegistryClient, type RegistryAddress } from "./registry-client.ts";

/** What pushing came to, in bytes of layers. */
export interface PushSummary {
  readonly sentBytes: number;
  /** Shared layers that a second image took over inside the registry. */
  readonly mountedBytes: number;
  /** Layers that the registry held already. */
  readonly presentBytes: number;
}

/** The repository of an image in the demonstration's part of a registry. */
export const repositoryOf = (address: RegistryAddress, name: string): string =>
  `${address.namespace}/${name}`;

/** Pushes all images under the tag; a layer that they share is sent once. */
export async function pushImages(
  address: RegistryAddress,
  images: readonly PackedImage[],
  tag: string,
): Promise<PushSummary> {
  const repositories = images.map((image) => repositoryOf(address, image.service));
  const client = openRegistryClient(address, "pull,push", repositories);
  const homes = new Map<string, string>();
  const sums = { sent: 0, mounted: 0, present: 0 };

  const place = async (repository: string, layer: Layer): Promise<keyof typeof sums> => {
    const { digest, sizeBytes, file } = layer;
    if ((await client.blobSize(repository, digest)) !== null) return "present";
    const home = homes.get(digest);
    if (home !== undefined && (await client.mountBlob(repository, digest, home))) return "mounted";
    await client.pushBlob(repository, { digest, sizeBytes, open: () => createReadStream(file) });
    return "sent";
  };

  for (const image of images) {
    const repository = repositoryOf(address, image.service);
    // The first request alone: it buys the token that all the others show.
    if ((await client.blobSize(repository, image.config.digest)) === null)
      await client.pushBlob(repository, image.config);
    await Promise.all(
      image.layers.map(async (layer) => {
        sums[await place(repository, layer)] += layer.sizeBytes;
        homes.set(layer.digest, repository);
      }),
    );
    await client.pushManifest(repository, tag, image.manifest);
  }
  return { sentBytes: sums.sent, mountedBytes: sums.mounted, presentBytes: sums.present };
}
