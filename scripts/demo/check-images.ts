import type { PackedImage } from "./pack-images.ts";
import { repositoryOf } from "./push-images.ts";
import {
  digestOf,
  openRegistryClient,
  type RegistryAddress,
  type RegistryClient,
} from "./registry-client.ts";

/** A place where an image must be now. */
export interface ExpectedImage {
  readonly image: PackedImage;
  /** Below the namespace of the registry. */
  readonly name: string;
  readonly tag: string;
}

/**
 * Asks the registry itself: the tag leads to the digest that was pushed, the manifest's bytes have that digest, and
 * every layer is there in full length. Returns how many layers were looked at. Throws for the first that is not so.
 */
export async function checkImages(
  address: RegistryAddress,
  expected: readonly ExpectedImage[],
): Promise<{ readonly blobs: number }> {
  const repositories = expected.map(({ name }) => repositoryOf(address, name));
  const client = openRegistryClient(address, "pull", [...new Set(repositories)]);
  let blobs = 0;
  for (const { image, name, tag } of expected) {
    const repository = repositoryOf(address, name);
    await checkTag(client, { repository, tag, digest: image.digest });
    for (const blob of [image.config, ...image.layers]) {
      const sizeBytes = await client.blobSize(repository, blob.digest);
      if (sizeBytes !== blob.sizeBytes)
        throw new Error(
          `${address.host}/${repository} has ${sizeBytes ?? "no"} bytes of ${blob.digest}, not ${blob.sizeBytes}`,
        );
      blobs += 1;
    }
  }
  return { blobs };
}

async function checkTag(
  client: RegistryClient,
  { repository, tag, digest }: { repository: string; tag: string; digest: string },
): Promise<void> {
  const found = await client.readTag(repository, tag);
  if (found === null) throw new Error(`${repository}:${tag} is not at the target`);
  if (found.stated !== digest || digestOf(found.bytes) !== digest)
    throw new Error(`${repository}:${tag} leads to ${found.stated}, but ${digest} was pushed`);
}
