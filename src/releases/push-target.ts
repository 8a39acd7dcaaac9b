import { type Connection, coversRepository, namespaceIn } from "../connections/connection.ts";
import { DomainError } from "../kernel/errors.ts";
import { formatImageReference, type ImageReference, parseImageReference } from "../kernel/image-reference.ts";
import type { Project } from "../projects/project.ts";
import { readTagged } from "./tagged-reference.ts";

/** The address of a connection as a project knows it: host and namespace. */
export function addressOf(connection: Connection, project: Project): string {
  const namespace = namespaceIn(connection, project.key);
  return namespace === "" ? connection.host : `${connection.host}/${namespace}`;
}

/** What a client said of the target of one image; texts may be empty. */
export interface AskedTarget {
  readonly image: string;
  readonly tag: string;
}

/**
 * Where a pushed image goes: exactly as asked, or `<registry>/<namespace>/<last segment of the source>:<tag>`.
 * Always inside the target connection. Throws INPUT_INVALID.
 */
export function pushTarget(
  connection: Connection,
  project: Project,
  source: ImageReference,
  asked: AskedTarget,
): ImageReference {
  const target = readTagged({ field: "target_image", text: asked.image, tag: asked.tag });
  if (target === null) return defaultTarget(connection, project, source, asked.tag);
  if (target.host !== connection.host || !coversRepository(connection, project.key, target.repository))
    throw new DomainError(
      "INPUT_INVALID",
      `target_image ${asked.image} is not inside the registry ${addressOf(connection, project)} that image_registry_id names`,
    );
  if (target.digest !== null && target.digest !== source.digest)
    throw new DomainError(
      "INPUT_INVALID",
      `target_image ${asked.image} names a digest: what is pushed has the digest of its source`,
    );
  if (target.tag === null)
    throw new DomainError("INPUT_INVALID", `target_image ${asked.image} needs a tag to be pushed to`);
  return target;
}

function defaultTarget(
  connection: Connection,
  project: Project,
  source: ImageReference,
  askedTag: string,
): ImageReference {
  const tag = askedTag === "" ? source.tag : askedTag;
  const name = formatImageReference(source);
  if (tag === null)
    throw new DomainError("INPUT_INVALID", `target_image_tag is empty, and the source ${name} has no tag`);
  return parseImageReference(`${addressOf(connection, project)}/${lastSegment(source.repository)}:${tag}`);
}

export const lastSegment = (repository: string): string => repository.slice(repository.lastIndexOf("/") + 1);
