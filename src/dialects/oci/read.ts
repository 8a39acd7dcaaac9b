import type { FastifyRequest } from "fastify";
import { type Digest, isDigest } from "../../kernel/digest.ts";
import { storageProblem } from "../../kernel/storable.ts";
import type { UploadChunk } from "../../repositories/append-to-upload.ts";
import type { NameRequest } from "../../repositories/name-page.ts";
import { Tag } from "../../repositories/repository.ts";
import { OciError } from "./errors.ts";

/** The parameters behind the path. Throws UNSUPPORTED for what cannot be looked for. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  const query = new URLSearchParams(request.url.split("?").slice(1).join("?"));
  const problem = storageProblem(Object.fromEntries(query));
  if (problem) throw new OciError(400, "UNSUPPORTED", `${problem.path}: ${problem.message}`);
  return query;
}

/** A digest from a path or query. Throws DIGEST_INVALID. */
export function readDigest(text: string | null): Digest {
  if (text !== null && isDigest(text)) return text;
  throw new OciError(400, "DIGEST_INVALID", "A digest must be sha256: and 64 lower-case hex digits");
}

/** A tag or digest from a path. Throws DIGEST_INVALID, MANIFEST_INVALID. */
export function readReference(text: string): string {
  if (text.includes(":")) return readDigest(text);
  const tag = Tag.safeParse(text);
  if (tag.success) return tag.data;
  throw new OciError(400, "MANIFEST_INVALID", `A tag ${tag.error.issues[0]?.message}`);
}

/** The most names that one page of a list holds. */
const MAX_NAMES = 1000;

/** `n` and `last` of a list. Throws PAGINATION_NUMBER_INVALID. */
export function readNamePage(query: URLSearchParams): NameRequest {
  const n = query.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n))
    throw new OciError(400, "PAGINATION_NUMBER_INVALID", "n must be a number from 0 on");
  return { last: query.get("last") ?? "", limit: Math.min(n === null ? MAX_NAMES : Number(n), MAX_NAMES) };
}

/** The body as it comes in; leaving it half-way keeps the connection, so that a refusal can still be sent. */
const chunksOf = (request: FastifyRequest): AsyncIterable<Uint8Array> =>
  request.raw.iterator({ destroyOnReturn: false });

/** What Content-Length says; null when the client does not know it itself. */
function lengthOf(request: FastifyRequest): number | null {
  const length = request.headers["content-length"];
  if (length !== undefined) return Number(length);
  return request.headers["transfer-encoding"] === undefined ? 0 : null;
}

/** The whole body as bytes of a blob. */
export const readBody = (request: FastifyRequest): Pick<UploadChunk, "chunks" | "length"> => ({
  chunks: chunksOf(request),
  length: lengthOf(request),
});

/**
 * The body as the next bytes of an upload, where Content-Range says if it is there (`0-99`, both included).
 * Throws BLOB_UPLOAD_INVALID, SIZE_INVALID.
 */
export function readChunk(request: FastifyRequest): UploadChunk {
  const { chunks, length } = readBody(request);
  const range = request.headers["content-range"];
  if (range === undefined) return { chunks, length, offset: null };
  const [, first, last] = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(range) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first))
    throw new OciError(400, "BLOB_UPLOAD_INVALID", "Content-Range must be first and last byte, such as 0-99");
  const promised = Number(last) - Number(first) + 1;
  if (length !== null && length !== promised)
    throw new OciError(
      400,
      "SIZE_INVALID",
      `Content-Range is of ${promised} bytes, Content-Length ${length}`,
    );
  return { chunks, length: promised, offset: Number(first) };
}

/** Whether there is anything in the body. */
export const hasBody = (request: FastifyRequest): boolean => lengthOf(request) !== 0;

/** The whole body, at most so many bytes. Throws SIZE_INVALID. */
export async function readBytes(request: FastifyRequest, most: number): Promise<Buffer> {
  const refusal = new OciError(413, "SIZE_INVALID", `The body may have ${most} bytes at most`);
  if ((lengthOf(request) ?? 0) > most) throw refusal;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of chunksOf(request)) {
    size += part.length;
    if (size > most) throw refusal;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/**
 * The part that a Range header asks for: null for the whole (no header, or one that may be ignored: RFC 9110,
 * 14.2), `unsatisfiable` when it begins behind the end.
 */
export function readRange(
  header: string | undefined,
  sizeBytes: number,
): { readonly first: number; readonly last: number } | "unsatisfiable" | null {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return null;
  if (from === "") {
    const length = Math.min(Number(to), sizeBytes);
    return length === 0 ? "unsatisfiable" : { first: sizeBytes - length, last: sizeBytes - 1 };
  }
  if (Number(from) >= sizeBytes) return "unsatisfiable";
  const last = to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  return last < Number(from) ? null : { first: Number(from), last };
}
