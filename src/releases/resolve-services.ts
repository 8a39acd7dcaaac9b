import type { Connection } from "../connections/connection.ts";
import { connectionFinder } from "../connections/find-connection-for.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "../projects/project.ts";
import type { ReleaseManifest } from "./release-content.ts";
import { type NamedImage, putTargets } from "./put-images.ts";
import type { ReleaseItem } from "./release-item.ts";
import { type ImageRequest, type ImageSurroundings, resolveImage } from "./resolve-image.ts";
import { type Original, takeImage } from "./take-from-release.ts";

/** One service of a release as a client asks for it. */
export interface ServiceRequest {
  readonly name: string;
  /** May be empty; with an original, its YAML is taken then. */
  readonly yaml: string;
  readonly images: readonly ImageRequest[];
}

export interface ServicesToResolve {
  readonly project: Project;
  readonly targetConnection: Connection | null;
  readonly original: Original | null;
  /** Put the target references into the YAML that clients read; otherwise they read it as received. */
  readonly rewriteYaml: boolean;
  readonly services: readonly ServiceRequest[];
}

/** Checks all services and images of a release and says what it will hold. Throws INPUT_INVALID. */
export async function resolveServices(
  ctx: Context,
  input: ServicesToResolve,
): Promise<{ readonly manifests: ReleaseManifest[]; readonly items: ReleaseItem[] }> {
  refuseTwice(
    input.services.map((service) => service.name),
    "service",
  );
  refuseTooMuchYaml(input.services);
  refuseTooManyImages(input.services);
  const connectionTo = connectionFinder(ctx.db, input.project);
  const manifests: ReleaseManifest[] = [];
  const items: ReleaseItem[] = [];
  for (const service of input.services) {
    refuseTwice(
      service.images.map((image) => image.containerName),
      `service ${service.name}: container`,
    );
    const own: NamedImage[] = [];
    for (const image of service.images) {
      const { project, targetConnection } = input;
      const around = { project, serviceName: service.name, targetConnection, connectionTo };
      own.push(await resolveOne(ctx, input.original, around, image));
    }
    items.push(...own.map(({ item }) => item));
    manifests.push(await manifestOf(input, service, own));
  }
  refuseCollision(items);
  return { manifests, items };
}

/** All YAML of a release is read several times, at the price of about a second a mebibyte. */
const MAX_YAML_BYTES = 4 * 1024 * 1024;

function refuseTooMuchYaml(services: readonly ServiceRequest[]): void {
  const size = services.reduce((sum, service) => sum + Buffer.byteLength(service.yaml), 0);
  if (size > MAX_YAML_BYTES)
    throw new DomainError(
      "INPUT_INVALID",
      `the version has ${size} bytes of YAML, and may have ${MAX_YAML_BYTES}`,
    );
}

/** More would not fit into one transaction, nor into anybody's head. */
const MAX_IMAGES = 1000;

function refuseTooManyImages(services: readonly ServiceRequest[]): void {
  const count = services.reduce((sum, service) => sum + service.images.length, 0);
  if (count > MAX_IMAGES)
    throw new DomainError("INPUT_INVALID", `the version has ${count} images, and may have ${MAX_IMAGES}`);
}

/** Two images would overwrite each other's tag at the target. */
function refuseCollision(items: readonly ReleaseItem[]): void {
  const byTarget = new Map<string, ReleaseItem>();
  for (const item of items.filter((candidate) => candidate.push)) {
    const place = JSON.stringify([item.target, item.targetTag]);
    const other = byTarget.get(place);
    if (other && sourceOf(other) !== sourceOf(item))
      throw new DomainError(
        "INPUT_INVALID",
        `${wordsFor(other)} and ${wordsFor(item)} would both be pushed to ${item.targetImage}`,
      );
    byTarget.set(place, item);
  }
}

/** What is read, however the client wrote it. */
const sourceOf = ({ source, sourceDigest, sourceTag }: ReleaseItem): string =>
  JSON.stringify([source, sourceDigest ?? sourceTag]);

const wordsFor = ({ sourceImage, sourceDigest }: ReleaseItem): string =>
  sourceDigest === null ? sourceImage : `${sourceImage}@${sourceDigest}`;

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, position) => names.indexOf(name) !== position);
  if (twice !== undefined) throw new DomainError("INPUT_INVALID", `${what} "${twice}" appears twice`);
}

async function resolveOne(
  ctx: Context,
  original: Original | null,
  around: ImageSurroundings,
  image: ImageRequest,
): Promise<NamedImage> {
  if (!original) return { item: await resolveImage(ctx, around, image), formerly: [] };
  const taken = takeImage(original, around.serviceName, image);
  const item = await resolveImage(ctx, around, taken.request);
  return { item: { ...item, source: taken.source, sourceDigest: taken.digest }, formerly: taken.names };
}

async function manifestOf(
  input: ServicesToResolve,
  service: ServiceRequest,
  images: readonly NamedImage[],
): Promise<ReleaseManifest> {
  const inherited = input.original?.content.manifests.find((one) => one.serviceName === service.name);
  const inheritedYaml = inherited ? (inherited.wireYaml ?? inherited.receivedYaml) : "";
  const receivedYaml = service.yaml === "" ? inheritedYaml : service.yaml;
  // Also tried where nobody reads the result, for what cannot be rendered is better refused now than later.
  const rewritten = receivedYaml === "" ? null : await putTargets(receivedYaml, images);
  const wireYaml = input.rewriteYaml ? rewritten : null;
  return { serviceName: service.name, receivedYaml, wireYaml, renderedYaml: null };
}
