import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { DistributionReply, ReleaseReply } from "../../src/api/contract/releases.ts";
import { bytesText, coloured } from "../../src/cli/output.ts";
import { checkImages } from "./check-images.ts";
import type { DemoServer } from "./demo-server.ts";
import { folderBytes } from "./folder-bytes.ts";
import type { Narrator } from "./narrator.ts";
import type { DemoOptions } from "./options.ts";
import { packImages, type PackedImage } from "./pack-images.ts";
import { pushImages, repositoryOf } from "./push-images.ts";
import type { RegistryAddress } from "./registry-client.ts";
import { serviceYaml } from "./services-yaml.ts";
import {
  builtInConnection,
  connect,
  createBuilder,
  createProject,
  PROJECT,
  registryInside,
} from "./set-up.ts";
import type { Stage } from "./stage.ts";
import { copyTime, watchCopy } from "./watch-copy.ts";
import { createVersion, showVersion } from "./zadig-client.ts";

export const STEPS = 8;

/** The names of what is made, for the hints at the end. */
export interface Played {
  /** Null: the images were pushed to an outside registry. */
  readonly build: DemoServer | null;
  readonly production: DemoServer;
  readonly target: RegistryAddress;
  readonly version: string;
  readonly promotedVersion: string;
}

const PROMOTED_TAG = "stable";
/** Promoted images get a repository of their own, as teams do that clean up the other one. */
const promotedName = (image: PackedImage): string => `live-${image.service}`;

/** Where everything is that the later steps need. */
interface Scene extends Played {
  readonly say: Narrator;
  readonly images: readonly PackedImage[];
  readonly source: RegistryAddress;
  readonly connectionId: string;
  readonly targetInside: boolean;
}

/** The whole demonstration, from two empty servers to a checked release. Throws when anything is not as promised. */
export async function play(root: string, stage: Stage, options: DemoOptions, say: Narrator): Promise<Played> {
  const { build, production } = await startServers(stage, options, say);
  const images = await pack(root, stage, say);
  const version = await readVersion(root);
  const { source, readAs } = await push({ build, options, images, version, say });
  const ends = await introduce({ production, readAs, options, say });
  const promotedVersion = `${version}-${PROMOTED_TAG}`;
  const scene: Scene = { build, production, images, version, promotedVersion, source, say, ...ends };
  await release(scene);
  await promote(scene);
  await showPins(scene);
  await check(scene);
  return scene;
}

async function startServers(stage: Stage, options: DemoOptions, say: Narrator) {
  say.step(
    options.source ? "Start Headgate" : "Start Headgate twice",
    `${options.source ? "" : "One for builds, one for production. "}Each server is a single process that brings its own database and its own image registry.`,
  );
  const [build, production] = await Promise.all([
    options.source ? null : stage.startServer("build"),
    stage.startServer("production"),
  ]);
  for (const server of [build, production]) if (server) say.fact(server.name, server.url);
  say.done("ready");
  return { build, production };
}

async function pack(root: string, stage: Stage, say: Narrator): Promise<PackedImage[]> {
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
async function push({ build, options, images, version, say }: Pushing) {
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

interface Introduction {
  readonly production: DemoServer;
  readonly readAs: RegistryAddress;
  readonly options: DemoOptions;
  readonly say: Narrator;
}

async function introduce({ production, readAs, options, say }: Introduction) {
  say.step(
    "Tell production where images come from, and where they go",
    "Credentials are sealed, tried at once, and only ever sent to their own registry.",
  );
  await createProject(production);
  say.fact("project", PROJECT);
  await connect(production, "build", readAs);
  say.fact(
    "connection to read from",
    `${readAs.host}/${readAs.namespace}${options.source ? "" : ", may only pull"}`,
  );
  const target = options.target ?? registryInside(production, production.adminToken);
  const connectionId = options.target
    ? await connect(production, "target", options.target)
    : await builtInConnection(production);
  say.fact(
    "connection to write to",
    `${target.host}/${target.namespace}${options.target ? "" : ", built in"}`,
  );
  say.done("both answer");
  return { target, connectionId, targetInside: options.target === null };
}

async function release(scene: Scene): Promise<void> {
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

async function promote(scene: Scene): Promise<void> {
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

async function showPins({ production, promotedVersion, say }: Scene): Promise<void> {
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

async function check({ images, target, version, say }: Scene): Promise<void> {
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

const Manifest = z.object({ version: z.string() });

const readVersion = async (root: string): Promise<string> =>
  Manifest.parse(JSON.parse(await readFile(join(root, "package.json"), "utf8"))).version;
