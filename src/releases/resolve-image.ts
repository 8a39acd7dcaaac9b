import type { Connection } from "../connections/connection.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { formatImageReference, type ImageReference } from "../kernel/image-reference.ts";
import type { Project } from "../projects/project.ts";
import { lastSegment, pushTarget } from "./push-target.ts";
import type { ItemPlace, ReleaseItem } from "./release-item.ts";
import { asSent, readTagged } from "./tagged-reference.ts";

/** An image of a release as a client asks for it; texts may be empty where a rule fills them. */
export interface ImageRequest {
  readonly containerName: string;
  readonly imageName: string;
  readonly sourceImage: string;
  readonly sourceTag: string;
  readonly targetImage: string;
  readonly targetTag: string;
  readonly push: boolean;
}

/** What all images of one service share. */
export interface ImageSurroundings {
  readonly project: Project;
  readonly serviceName: string;
  /** Where images are pushed; null when nothing is. */
  readonly targetConnection: Connection | null;
  /** The connection of the project that reaches this repository, if any does. */
  readonly connectionTo: (reference: ImageReference) => Promise<Connection | null>;
}

/** What is read and what is written; one of the two may be missing when nothing is pushed. */
interface Ends {
  readonly source: ImageReference | null;
  readonly target: ImageReference | null;
}

/**
 * Checks one image's references against each other and against the project's connections, and says where it is
 * read and written. Throws INPUT_INVALID.
 */
export async function resolveImage(
  ctx: Context,
  around: ImageSurroundings,
  request: ImageRequest,
): Promise<ReleaseItem> {
  const ends = request.push ? pushedEnds(around, request) : restingEnds(around, request);
  const { source, target } = ends;
  return {
    id: newId(ctx.now()),
    serviceName: around.serviceName,
    containerName: request.containerName,
    imageName: request.imageName === "" ? nameFrom(ends) : request.imageName,
    sourceImage: asSent(request.sourceImage, source),
    sourceTag: source?.tag ?? "",
    targetImage: asSent(request.targetImage, target),
    targetTag: target?.tag ?? "",
    push: request.push,
    ...(await placesOf(around, request, ends)),
    sourceDigest: (request.push ? source : (target ?? source))?.digest ?? null,
    pinnedDigest: null,
    pinnedAt: null,
    pinProblem: null,
  };
}

const nameFrom = ({ source, target }: Ends): string => lastSegment((source ?? target)?.repository ?? "");

const labelOf = (around: ImageSurroundings, request: ImageRequest): string =>
  `image ${request.containerName === "" ? request.imageName : request.containerName} of service ${around.serviceName}`;

const sourceOf = (request: ImageRequest): ImageReference | null =>
  readTagged({ field: "source_image", text: request.sourceImage, tag: request.sourceTag });

/** Zadig's placeholders in a target tag stand for the names of service and container. */
const targetTagOf = (around: ImageSurroundings, request: ImageRequest): string =>
  request.targetTag.replaceAll("<SERVICE>", around.serviceName).replaceAll("<MODULE>", request.containerName);

function pushedEnds(around: ImageSurroundings, request: ImageRequest): Ends {
  const source = sourceOf(request);
  const label = labelOf(around, request);
  if (source === null) throw new DomainError("INPUT_INVALID", `source_image of ${label} is empty`);
  if (around.targetConnection === null)
    throw new DomainError("INPUT_INVALID", `target registry not appointed, but ${label} is to be pushed`);
  const asked = { image: request.targetImage, tag: targetTagOf(around, request) };
  return { source, target: pushTarget(around.targetConnection, around.project, source, asked) };
}

function restingEnds(around: ImageSurroundings, request: ImageRequest): Ends {
  const source = sourceOf(request);
  const tag = targetTagOf(around, request);
  const target = readTagged({ field: "target_image", text: request.targetImage, tag });
  if (source === null && target === null)
    throw new DomainError(
      "INPUT_INVALID",
      `${labelOf(around, request)} names neither a source_image nor a target_image`,
    );
  return { source, target };
}

async function placesOf(
  around: ImageSurroundings,
  request: ImageRequest,
  { source, target }: Ends,
): Promise<Pick<ReleaseItem, "source" | "target">> {
  const readFrom = await placeOf(around, source);
  if (request.push && source !== null && readFrom.connectionId === null)
    throw new DomainError(
      "INPUT_INVALID",
      `failed to check registry, err: can't find source registry for image: ${formatImageReference(source)}`,
    );
  if (!request.push) return { source: readFrom, target: await placeOf(around, target) };
  const connectionId = around.targetConnection?.id ?? null;
  return { source: readFrom, target: { connectionId, repository: target?.repository ?? "" } };
}

async function placeOf(around: ImageSurroundings, reference: ImageReference | null): Promise<ItemPlace> {
  if (reference === null) return { connectionId: null, repository: "" };
  const connection = await around.connectionTo(reference);
  return { connectionId: connection?.id ?? null, repository: reference.repository };
}
