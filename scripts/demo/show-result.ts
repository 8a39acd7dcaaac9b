import type { ReleaseReply } from "../../src/api/contract/releases.ts";
import { coloured } from "../../src/cli/output.ts";
import { checkImages } from "./check-images.ts";
import { PROMOTED_TAG, promotedName } from "./move-release.ts";
import type { Scene } from "./scene.ts";
import { PROJECT } from "./set-up.ts";
import { showVersion } from "./zadig-client.ts";

/** Shows the YAML of the promoted version as a deployment would use it. */
export async function showPins({ production, promotedVersion, say }: Scene): Promise<void> {
  say.step(
    "Look at what will run",
    "The YAML as it was sent; only the image is replaced, by repository, tag and digest. Every other byte is kept.",
  );
  const shown = await showVersion(production, PROJECT, promotedVersion);
  for (const service of shown.services) {
    const lines = renderedLines(service);
    say.line(coloured("bold", `${service.name}.yaml`));
    // The second service looks just like the first: its image is enough.
    const wanted = service === shown.services[0] ? lines : lines.filter((line) => line.includes("image: "));
    for (const line of wanted) say.line(line.includes("image: ") ? coloured("green", line) : line);
  }
  say.done(`${shown.items.length} images pinned`);
}

function renderedLines({ name, renderedYaml }: ReleaseReply["services"][number]): string[] {
  if (renderedYaml?.includes("@sha256:") !== true) throw new Error(`the YAML of ${name} has no pinned image`);
  return renderedYaml.trimEnd().split("\n");
}

/** Looks at all four tags from outside. */
export async function check({ images, target, version, say }: Scene): Promise<void> {
  say.step(
    `Check the result at ${target.host}`,
    "With a client that shares no code with the copier: tags, the digest of each manifest's bytes, and every layer.",
  );
  const expected = images.flatMap((image) => [
    { image, name: image.service, tag: version },
    { image, name: promotedName(image), tag: PROMOTED_TAG },
  ]);
  const { blobs } = await checkImages(target, expected);
  for (const { image, name, tag } of expected)
    say.fact(`${name}:${tag}`, image.digest.slice(0, 26) + "… as pushed");
  say.done(`${expected.length} tags verified, ${blobs} layers and configurations in full length`);
}
