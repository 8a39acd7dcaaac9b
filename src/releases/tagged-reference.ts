import { DomainError } from "../kernel/errors.ts";
import { formatImageReference, type ImageReference, parseImageReference } from "../kernel/image-reference.ts";

/** A reference whose tag may stand in a field of its own, as Zadig clients send it. */
export interface TaggedText {
  /** The name of the field, for messages: `source_image` or `target_image`. */
  readonly field: string;
  readonly text: string;
  readonly tag: string;
}

/** The reference meant; null when there is no text. Throws INPUT_INVALID when both tags differ or there is none. */
export function readTagged({ field, text, tag }: TaggedText): ImageReference | null {
  if (text === "") return null;
  const reference = parseImageReference(text);
  if (tag !== "" && reference.tag !== null && reference.tag !== tag)
    throw new DomainError(
      "INPUT_INVALID",
      `${field} ${text} has the tag ${reference.tag}, but ${field}_tag says ${tag}`,
    );
  if (tag === "" && reference.tag === null && reference.digest === null)
    throw new DomainError("INPUT_INVALID", `${field} ${text} has no tag, and ${field}_tag is empty`);
  const complete = { ...reference, tag: reference.tag ?? (tag === "" ? null : tag) };
  // Read once more, for a tag from a field of its own was not checked yet.
  return parseImageReference(formatImageReference(complete));
}

/** The client's own text, completed by the tag that stood in a field of its own; the full form when it sent none. */
export function asSent(text: string, reference: ImageReference | null): string {
  if (reference === null) return "";
  if (text === "") return formatImageReference(reference);
  const sent = parseImageReference(text);
  return sent.tag === null && sent.digest === null ? `${text}:${reference.tag}` : text;
}
