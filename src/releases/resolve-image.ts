import { type Connection, coversRepository, namespaceIn } from "../connections/connection.ts";
import { findConnectionFor } from "../connections/find-connection-for.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { formatImageReference, type ImageReference, parseImageReference } from "../kernel/image-reference.ts";
import type { Project } from "../projects/project.ts";
import type { ItemPlace, ReleaseItem } from "./release-item.ts";

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

/** What all images of one release share. */
export interface ImageSurroundings {
  readonly project: Project;
  readonly serviceName: string;
  /** Where images are pushed; null when nothing is. */
  readonly targetConnection: Connection | null;
}

const refuse = (message: string): never => {
  throw new DomainError("INPUT_INVALID", message);
};

const nowhere: ItemPlace = { connectionId: null, repository: "" };

/** Checks one image's references against each other and against the connections, and says where it is read and written. */
export async function resolveImage(
  ctx: Context,
  around: ImageSurroundings,
  request: ImageRequest,
): Promise<ReleaseItem> {
  const sourceTag = request.sourceTag;
  const targetTag = request.targetTag
    .replaceAll("<SERVICE>", around.serviceName)
    .replaceAll("<MODULE>", request.containerName);
  const source = withTag(request.sourceImage, sourceTag, "source_image");
  if (source === null && request.push) refuse(`source_image of ${nameOf(around, request)} is empty`);
  const target =
    request.push && source !== null
      ? pushTarget(around, request, source, targetTag)
      : withTag(request.targetImage, targetTag, "target_image");
  if (source === null && target === null)
    refuse(`${nameOf(around, request)} names neither a source_image nor a target_image`);
  return {
    id: newId(ctx.now()),
    serviceName: around.serviceName,
    containerName: request.containerName,
    imageName: request.imageName || lastSegment((source ?? target)?.repository ?? ""),
    sourceImage: source === null ? "" : asSent(request.sourceImage, source),
    sourceTag: source?.tag ?? "",
    targetImage: target === null ? "" : asSent(request.targetImage, target),
    targetTag: target?.tag ?? "",
    push: request.push,
    source: source === null ? nowhere : await sourcePlace(ctx, around, request, source),
    target: target === null ? nowhere : await targetPlace(ctx, around, request, target),
    sourceDigest: (request.push || target === null ? source : target)?.digest ?? null,
    pinnedDigest: null,
    pinnedAt: null,
    pinProblem: null,
  };
}

/** The client's own text, with the tag that stood in a field of its own; the full form when it sent none. */
function asSent(text: string, reference: ImageReference): string {
  if (text === "") return formatImageReference(reference);
  const sent = parseImageReference(text);
  return sent.tag === null && sent.digest === null ? `${text}:${reference.tag}` : text;
}

const nameOf = (around: ImageSurroundings, request: ImageRequest): string =>
  `image ${request.containerName || request.imageName} of service ${around.serviceName}`;

export const lastSegment = (repository: string): string => repository.slice(repository.lastIndexOf("/") + 1);

/** Reads a reference whose tag may stand in a field of its own; both must agree. Null when the text is empty. */
function withTag(text: string, tag: string, field: string): ImageReference | null {
  if (text === "") return null;
  const reference = parseImageReference(text);
  if (tag !== "" && reference.tag !== null && reference.tag !== tag)
    refuse(`${field} ${text} has the tag ${reference.tag}, but ${field}_tag says ${tag}`);
  if (tag === "" && reference.tag === null && reference.digest === null)
    refuse(`${field} ${text} has no tag, and ${field}_tag is empty`);
  return parseImageReference(formatImageReference({ ...reference, tag: reference.tag ?? (tag || null) }));
}

/** Where the copy goes: as asked, or `<registry>/<namespace>/<last segment>:<tag>`; always inside the target connection. */
function pushTarget(
  around: ImageSurroundings,
  request: ImageRequest,
  source: ImageReference,
  askedTag: string,
): ImageReference {
  const connection = around.targetConnection;
  if (!connection)
    throw new DomainError(
      "INPUT_INVALID",
      `target registry not appointed, but ${nameOf(around, request)} is to be pushed`,
    );
  if (request.targetImage !== "") {
    const target = withTag(request.targetImage, askedTag, "target_image");
    if (!target || !contains(connection, around.project, target))
      return refuse(
        `target_image ${request.targetImage} is not inside the registry ${addressOf(connection, around.project)} that image_registry_id names`,
      );
    if (target.tag === null) refuse(`target_image ${request.targetImage} needs a tag to be pushed to`);
    return target;
  }
  const tag = askedTag || source.tag;
  if (!tag) return refuse(`${nameOf(around, request)} needs a target_image_tag, for its source has no tag`);
  const namespace = namespaceIn(connection, around.project.key);
  const repository = [namespace, lastSegment(source.repository)].filter(Boolean).join("/");
  return parseImageReference(formatImageReference({ host: connection.host, repository, tag, digest: null }));
}

/** The address of a connection as a project knows it: host and namespace. */
export function addressOf(connection: Connection, project: Project): string {
  const namespace = namespaceIn(connection, project.key);
  return namespace === "" ? connection.host : `${connection.host}/${namespace}`;
}

const contains = (connection: Connection, project: Project, reference: ImageReference): boolean =>
  reference.host === connection.host && coversRepository(connection, project.key, reference.repository);

async function sourcePlace(
  ctx: Context,
  around: ImageSurroundings,
  request: ImageRequest,
  source: ImageReference,
): Promise<ItemPlace> {
  const connection = await findConnectionFor(ctx.db, around.project.id, source);
  if (!connection && request.push)
    refuse(
      `failed to check registry, err: can't find source registry for image: ${formatImageReference(source)}`,
    );
  return { connectionId: connection?.id ?? null, repository: source.repository };
}

async function targetPlace(
  ctx: Context,
  around: ImageSurroundings,
  request: ImageRequest,
  target: ImageReference,
): Promise<ItemPlace> {
  const connection = request.push
    ? around.targetConnection
    : await findConnectionFor(ctx.db, around.project.id, target);
  return { connectionId: connection?.id ?? null, repository: target.repository };
}
