import { join } from "node:path";
import type { DistributionReply } from "../../src/api/contract/releases.ts";
import { bytesText } from "../../src/cli/output.ts";
import { folderBytes } from "./folder-bytes.ts";
import type { PackedImage } from "./pack-images.ts";
import { repositoryOf } from "./push-images.ts";
import type { Scene } from "./scene.ts";
import { serviceYaml } from "./services-yaml.ts";
import { PROJECT } from "./set-up.ts";
import { copyTime, watchCopy } from "./watch-copy.ts";
import { createVersion } from "./zadig-client.ts";

/** Also the end of the promoted version's name. */
export const PROMOTED_TAG = "stable";
/** Promoted images get a repository of their own, as teams do that clean up the other one. */
export const promotedName = (image: PackedImage): string => `live-${image.service}`;

/** Creates the version whose images are copied from build to production, and watches the copy. */
export async function release(scene: Scene): Promise<void> {
  const { production, images, source, target, version, connectionId, say } = scene;
  say.step(
    `Create version ${version} through the Zadig API`,
    "First every image is pinned by digest: whoever moves a tag from now on changes nothing. Then the layers are copied and verified, each one once.",
  );
  const created = await createVersion(production, {
    project_key: PROJECT,
    version_name: version,
    source: "manual",
    desc: "made by npm run demo",
    labels: ["demo"],
    image_registry_id: connectionId,
    services: images.map((image) => {
      const sourceImage = `${source.host}/${repositoryOf(source, image.service)}`;
      return {
        service_name: image.service,
        yaml_content: serviceYaml(image.service, `${sourceImage}:${version}`),
        images: [
          {
            container_name: image.service,
            source_image: sourceImage,
            source_image_tag: version,
            target_image: `${target.host}/${repositoryOf(target, image.service)}`,
            target_image_tag: version,
            push_image: true,
          },
        ],
      };
    }),
  });
  const copy = await watchCopy(production, created);
  requirePins(copy, images);
  say.done(`${bytesText(copy.totalBytes)} verified at the target after ${copyTime(copy)}`);
}

/** The server pinned what was pushed, and saw just that at the target. */
function requirePins({ items }: DistributionReply, images: readonly PackedImage[]): void {
  for (const { service, digest } of images) {
    const item = items.find(({ serviceName }) => serviceName === service);
    if (item?.pinnedDigest !== digest || item.verifiedDigest !== digest)
      throw new Error(`${service} is pinned to ${item?.pinnedDigest ?? "nothing"}, but ${digest} was pushed`);
  }
}

/** Creates a version of the first one's pins in other repositories of the same registry. */
export async function promote(scene: Scene): Promise<void> {
  const { production, images, target, version, promotedVersion, connectionId, targetInside, say } = scene;
  say.step(
    `Promote it to ${promotedVersion}`,
    "The same digests under a new name, in repositories of their own. The registry links the layers it has: no byte moves.",
  );
  const registryFolder = join(production.dataDirectory, "registry");
  const before = await folderBytes(registryFolder);
  const created = await createVersion(production, {
    project_key: PROJECT,
    version_name: promotedVersion,
    source: "from_version",
    original_version_name: version,
    desc: `promoted from ${version}`,
    labels: ["demo", PROMOTED_TAG],
    image_registry_id: connectionId,
    services: images.map((image) => ({
      service_name: image.service,
      images: [
        {
          container_name: image.service,
          target_image: `${target.host}/${repositoryOf(target, promotedName(image))}`,
          target_image_tag: PROMOTED_TAG,
          push_image: true,
        },
      ],
    })),
  });
  const copy = await watchCopy(production, created);
  requirePins(copy, images);
  const after = await folderBytes(registryFolder);
  if (targetInside)
    say.fact("production's registry", `${bytesText(before)} before, ${bytesText(after)} after`);
  say.done(`promoted in ${copyTime(copy)}`);
}
