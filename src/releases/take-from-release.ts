import type { Context } from "../context.ts";
import { findDistributionOf } from "../distributions/distribution-store.ts";
import type { DistributionStep } from "../distributions/distribution.ts";
import { DomainError } from "../kernel/errors.ts";
import type { FullContent } from "./release-content.ts";
import { findContentByVersion, withDetails } from "./release-content-store.ts";
import { imageToRun, type ItemPlace, type ReleaseItem } from "./release-item.ts";
import type { ImageRequest } from "./resolve-image.ts";

/** The release that another one is made from. */
export interface Original {
  readonly content: FullContent;
  readonly steps: readonly DistributionStep[];
}

/** Loads the original: same project, not deleted. Throws RELEASE_NOT_FOUND. */
export async function loadOriginal(ctx: Context, projectId: string, version: string): Promise<Original> {
  const content = await findContentByVersion(ctx.db, projectId, version);
  if (!content)
    throw new DomainError(
      "RELEASE_NOT_FOUND",
      `The original version ${version} does not exist in this project`,
    );
  const distribution = await findDistributionOf(ctx.db, content.id);
  return { content: await withDetails(ctx.db, content), steps: distribution?.steps ?? [] };
}

/** What a new release takes over of one image: the pin, and where it is read. */
export interface TakenImage {
  readonly request: ImageRequest;
  readonly source: ItemPlace;
  readonly digest: string;
  /** What YAML of the original may call it. */
  readonly names: readonly string[];
}

/**
 * The image of the original that this request names, with the pin as its source: read from the verified
 * target if there is one, else from the original's source; the tag is never read again.
 * What the client says besides must agree. Throws INPUT_INVALID.
 */
export function takeImage(original: Original, serviceName: string, request: ImageRequest): TakenImage {
  const label = `image ${request.containerName} of service ${serviceName}`;
  const item = original.content.items.find(
    (candidate) => candidate.serviceName === serviceName && candidate.containerName === request.containerName,
  );
  if (!item)
    throw new DomainError(
      "INPUT_INVALID",
      `container not found, serviceName: ${serviceName}, containerName: ${request.containerName} in version ${original.content.version}`,
    );
  if (item.pinnedDigest === null)
    throw new DomainError(
      "INPUT_INVALID",
      `${label} has no pinned digest in version ${original.content.version}`,
    );
  const fromTarget = isVerified(original, item) || (!item.push && item.targetImage !== "");
  const image = fromTarget ? item.targetImage : item.sourceImage;
  const tag = fromTarget ? item.targetTag : item.sourceTag;
  refuseContradiction(label, request, item);
  return {
    request: {
      ...request,
      sourceImage: image,
      sourceTag: tag,
      imageName: request.imageName || item.imageName,
      targetTag: request.targetTag || (request.targetImage === "" ? item.targetTag : ""),
    },
    source: fromTarget ? item.target : item.source,
    digest: item.pinnedDigest,
    names: [item.sourceImage, item.targetImage],
  };
}

const isVerified = (original: Original, item: ReleaseItem): boolean =>
  original.steps.some((step) => step.itemId === item.id && step.status === "verified");

/** A client may repeat what the original says, from its source or its target; anything else contradicts. */
function refuseContradiction(label: string, request: ImageRequest, item: ReleaseItem): void {
  const images = [item.sourceImage, item.targetImage].flatMap((image) => [
    image,
    withoutTag(image),
    `${image.replace(/@.*$/, "")}@${item.pinnedDigest ?? ""}`,
  ]);
  if (request.imageName !== "" && request.imageName !== item.imageName)
    throw new DomainError(
      "INPUT_INVALID",
      `image_name ${request.imageName} contradicts the original: ${label} is ${item.imageName} there`,
    );
  if (request.sourceImage !== "" && !images.includes(request.sourceImage))
    throw new DomainError(
      "INPUT_INVALID",
      `source_image ${request.sourceImage} contradicts the original: ${label} is ${imageToRun(item)} there`,
    );
  if (request.sourceTag !== "" && ![item.sourceTag, item.targetTag].includes(request.sourceTag))
    throw new DomainError(
      "INPUT_INVALID",
      `source_image_tag ${request.sourceTag} contradicts the original: ${label} is ${imageToRun(item)} there`,
    );
}

const withoutTag = (image: string): string => image.replace(/:[^:/@]+(@.*)?$/, "");

/** Every service and image of the original as requests of their own, for a client that names none; YAML is inherited. */
export function requestsOf(original: Original, push: boolean) {
  return original.content.manifests.map((manifest) => ({
    name: manifest.serviceName,
    yaml: "",
    images: original.content.items
      .filter((item) => item.serviceName === manifest.serviceName)
      .map((item): ImageRequest => ({
        containerName: item.containerName,
        imageName: item.imageName,
        sourceImage: "",
        sourceTag: "",
        targetImage: push ? "" : imageToRun(item),
        targetTag: "",
        push,
      })),
  }));
}
