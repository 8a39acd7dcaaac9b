import type { Connection } from "../connections/connection.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "../projects/project.ts";
import type { ReleaseManifest } from "./release-content.ts";
import { imageToRun, type ReleaseItem } from "./release-item.ts";
import { renderYaml } from "./render-yaml.ts";
import { type ImageRequest, resolveImage } from "./resolve-image.ts";
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
  const manifests: ReleaseManifest[] = [];
  const items: ReleaseItem[] = [];
  for (const service of input.services) {
    refuseTwice(
      service.images.map((image) => image.containerName),
      `service ${service.name}: container`,
    );
    const own: ReleaseItem[] = [];
    for (const image of service.images) own.push(await resolveOne(ctx, input, service.name, image));
    items.push(...own);
    manifests.push(manifestOf(input, service, own));
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

/** Two images would overwrite each other's tag at the target. */
function refuseCollision(items: readonly ReleaseItem[]): void {
  const sources = new Map<string, ReleaseItem>();
  for (const item of items.filter((candidate) => candidate.push)) {
    const other = sources.get(item.targetImage);
    if (other && sourceOf(other) !== sourceOf(item))
      throw new DomainError(
        "INPUT_INVALID",
        `${sourceOf(other)} and ${sourceOf(item)} would both be pushed to ${item.targetImage}`,
      );
    sources.set(item.targetImage, item);
  }
}

const sourceOf = (item: ReleaseItem): string =>
  item.sourceDigest === null ? item.sourceImage : `${item.sourceImage}@${item.sourceDigest}`;

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, position) => names.indexOf(name) !== position);
  if (twice !== undefined) throw new DomainError("INPUT_INVALID", `${what} ${twice} appears twice`);
}

async function resolveOne(
  ctx: Context,
  input: ServicesToResolve,
  serviceName: string,
  image: ImageRequest,
): Promise<ReleaseItem> {
  const around = { project: input.project, serviceName, targetConnection: input.targetConnection };
  if (!input.original) return resolveImage(ctx, around, image);
  const taken = takeImage(input.original, serviceName, image);
  const item = await resolveImage(ctx, around, taken.request);
  return { ...item, source: taken.source, sourceDigest: taken.digest };
}

function manifestOf(
  input: ServicesToResolve,
  service: ServiceRequest,
  items: readonly ReleaseItem[],
): ReleaseManifest {
  const inherited = input.original?.content.manifests.find((one) => one.serviceName === service.name);
  const receivedYaml = service.yaml === "" ? (inherited?.receivedYaml ?? "") : service.yaml;
  // Also tried where nobody reads the result, for what cannot be rendered is better refused now than later.
  const rewritten = receivedYaml === "" ? null : yamlWith(receivedYaml, items, imageToRun);
  const wireYaml = input.rewriteYaml ? rewritten : null;
  return { serviceName: service.name, receivedYaml, wireYaml, renderedYaml: null };
}

/** The YAML with each container's image replaced by what `reference` says of it. */
export const yamlWith = (
  yaml: string,
  items: readonly ReleaseItem[],
  reference: (item: ReleaseItem) => string,
): string =>
  renderYaml(
    yaml,
    items.map((item) => ({
      containerName: item.containerName,
      from: item.sourceImage,
      to: reference(item),
    })),
  ).text;
