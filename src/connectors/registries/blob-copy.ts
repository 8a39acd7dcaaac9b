import { createHash } from "node:crypto";
import type { Digest } from "../../kernel/digest.ts";
import type { HttpReply } from "../http-reply.ts";
import { cancelUpload, uploadLocation } from "./oci-blobs.ts";
import { repositoryPath, type RegistrySession } from "./oci-session.ts";
import { pullScope, pushScope } from "./scopes.ts";

/** A repository of a registry. */
export interface BlobPlace {
  readonly session: RegistrySession;
  readonly repository: string;
}

/** One transfer from place to place. */
export interface BlobTransfer {
  readonly source: BlobPlace;
  readonly target: BlobPlace;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly onBytes: (count: number) => void;
  /** How long the target may take to answer when it has all bytes, in milliseconds: large blobs take their time. */
  readonly commitMillis: number;
  readonly signal: AbortSignal | undefined;
}

const named = ({ source, digest }: BlobTransfer): string => `reading ${source.repository}@${digest}`;

/** Asks the source for the bytes; follows it to its object storage. */
async function openSource(transfer: BlobTransfer): Promise<HttpReply> {
  const { source, digest, sizeBytes, signal } = transfer;
  const reply = await source.session.call({
    method: "GET",
    url: repositoryPath(source.repository, `blobs/${digest}`),
    scopes: [pullScope(source.repository)],
    followRedirects: true,
    signal,
  });
  if (reply.status !== 200) throw await source.session.refusal(reply, named(transfer));
  const length = reply.header("content-length");
  if (length === null || Number(length) === sizeBytes) return reply;
  await reply.drop();
  throw source.session.fault(
    named(transfer),
    `the blob has ${length} bytes where its manifest promises ${sizeBytes}`,
  );
}

async function beginUpload({ target, signal }: BlobTransfer): Promise<URL> {
  const { session, repository } = target;
  const doing = `beginning an upload to ${repository}`;
  const reply = await session.call({
    method: "POST",
    url: repositoryPath(repository, "blobs/uploads/"),
    scopes: [pushScope(repository)],
    headers: { "content-length": "0" },
    signal,
  });
  if (reply.status !== 202) throw await session.refusal(reply, doing);
  await reply.discard();
  const location = uploadLocation(reply);
  if (location) return location;
  throw session.fault(doing, "the answer does not say where to send the bytes");
}

/**
 * Passes the bytes on, always one piece behind: the last one leaves only when length and digest are known to be
 * right. When they are not, the target is left with an unfinished request and stores nothing.
 */
async function* verifiedBytes(
  transfer: BlobTransfer,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { source, digest, sizeBytes, onBytes } = transfer;
  const fault = (words: string): Error => source.session.fault(named(transfer), words);
  const hash = createHash("sha256");
  let received = 0;
  let held: Uint8Array | null = null;
  for await (const chunk of body) {
    received += chunk.length;
    if (received > sizeBytes)
      throw fault(`the blob is longer than the ${sizeBytes} bytes its manifest promises`);
    hash.update(chunk);
    if (held) {
      yield held;
      onBytes(held.length);
    }
    held = chunk;
  }
  if (received < sizeBytes) throw fault(`the blob ends after ${received} of ${sizeBytes} bytes`);
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual !== digest) throw fault(`digest mismatch: the bytes have ${actual} instead of ${digest}`);
  if (held) {
    yield held;
    onBytes(held.length);
  }
}

/** The whole blob in one request: the only form that every registry takes. */
async function upload(transfer: BlobTransfer, location: URL, body: HttpReply): Promise<void> {
  const { target, digest, sizeBytes, signal, commitMillis } = transfer;
  const url = new URL(location);
  url.search += `${url.search ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
  const doing = `writing ${target.repository}@${digest}`;
  const reply = await target.session.call({
    method: "PUT",
    url,
    scopes: [pushScope(target.repository)],
    headers: { "content-type": "application/octet-stream", "content-length": String(sizeBytes) },
    body: verifiedBytes(transfer, body.stream()),
    firstByteMillis: commitMillis,
    signal,
  });
  if (reply.status === 401) {
    await reply.discard();
    throw target.session.fault(doing, "the registry refused the token in mid-copy", {
      retryable: true,
      status: 401,
    });
  }
  if (reply.status < 200 || reply.status > 299) throw await target.session.refusal(reply, doing);
  await reply.discard();
  const stored = reply.header("docker-content-digest");
  if (stored !== null && stored !== digest)
    throw target.session.fault(doing, `digest mismatch: the registry stored ${stored} instead`);
}

/** Streams one blob from source to target, once. Whatever goes wrong, nothing appears at the target. */
export async function transferBlob(transfer: BlobTransfer): Promise<void> {
  const { target } = transfer;
  const body = await openSource(transfer);
  let location: URL | null = null;
  try {
    location = await beginUpload(transfer);
    await upload(transfer, location, body);
  } catch (error) {
    if (location) await cancelUpload(target.session, target.repository, location);
    throw error;
  } finally {
    await body.drop();
  }
}
