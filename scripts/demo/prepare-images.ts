import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { bytesText, coloured } from "../../src/cli/output.ts";
import type { DemoServer } from "./demo-server.ts";
import type { Narrator } from "./narrator.ts";
import type { DemoOptions } from "./options.ts";
import { packImages, type PackedImage } from "./pack-images.ts";
import { pushImages, repositoryOf } from "./push-images.ts";
import type { RegistryAddress } from "./registry-client.ts";
import { createBuilder, createProject, registryInside } from "./set-up.ts";
import type { Stage } from "./stage.ts";

/** Packs the images into the temporary directory. */
export async function pack(root: string, stage: Stage, say: Narrator): Promise<PackedImage[]> {
  say.step(
    "Pack Headgate itself as two images, without Docker",
    "Its own files make real layers. There is no operating system inside: the images are cargo for this demonstration and nothing to run.",
  );
  const folder = join(stage.directory, "images");
  await mkdir(folder);
  const images = await packImages(root, folder);
  const layers = new Map(images.flatMap((image) => image.layers).map((layer) => [layer.digest, layer]));
  for (const layer of layers.values()) {
    const users = images.filter((image) => image.layers.includes(layer)).map((image) => image.service);
    say.fact(layer.title, `${bytesText(layer.sizeBytes).padStart(9)}  in ${users.join(" and ")}`);
  }
  say.done(`${images.length} images, ${layers.size} different layers`);
  return images;
}

interface Pushing {
  readonly build: DemoServer | null;
  readonly options: DemoOptions;
  readonly images: readonly PackedImage[];
  readonly version: string;
  readonly say: Narrator;
}

/** Pushes as a build machine would. `readAs` is how production may read there. */
export async function push({ build, options, images, version, say }: Pushing) {
  say.step(
    `Push them to ${options.source ? options.source.host : "the build server's registry"}`,
    `Over plain OCI HTTP, as any build machine does${options.source ? "" : ", with a token that may push to this one project and nothing else"}. A layer that both have is sent once.`,
  );
  const { source, readAs } = await sourceOf(build, options);
  const { sentBytes, mountedBytes, presentBytes } = await pushImages(source, images, version);
  for (const image of images) {
    say.line(`${source.host}/${repositoryOf(source, image.service)}:${version}`);
    say.line(coloured("dim", `  ${image.digest}`));
  }
  const present = presentBytes === 0 ? "" : `, ${bytesText(presentBytes)} there already`;
  say.done(`${bytesText(sentBytes)} sent, ${bytesText(mountedBytes)} shared${present}`);
  return { source, readAs };
}

async function sourceOf(
  build: DemoServer | null,
  options: DemoOptions,
): Promise<{ source: RegistryAddress; readAs: RegistryAddress }> {
  if (options.source) return { source: options.source, readAs: options.source };
  if (!build) throw new Error("there is neither a build server nor an outside registry");
  await createProject(build);
  const { pushToken, pullToken } = await createBuilder(build);
  return { source: registryInside(build, pushToken), readAs: registryInside(build, pullToken) };
}
