import { createHash } from "node:crypto";
import type { HttpReply } from "../http-reply.ts";
import { type BlobTransfer, reading } from "./blob-transfer.ts";
import { repositoryPath } from "./oci-session.ts";
import { pullScope, pushScope } from "./scopes.ts";

/** Asks the source for the bytes; follows it to its object storage. */
async function askForBytes(transfer: BlobTransfer): Promise<HttpReply> {
  const { source, digest, signal } = transfer;
  const reply = await source.session.call({
    method: "GET",
    url: repositoryPath(source.repository, `blobs/${digest}`),
    scopes: [pullScope(source.repository)],
    followRedirects: true,
    signal,
  });
  if (reply.status !== 200) throw await source.session.refusal(reply, reading(transfer));
  return reply;
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
  const fault = (words: string): Error => source.session.fault(reading(transfer), words);
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

/**
 * Sends a blob that comes without a length to this upload, in one request. The slow way, for sources that leave no
 * other: a transfer that breaks starts over. Returns the target's answer.
 */
export async function streamBlob(transfer: BlobTransfer, upload: URL): Promise<HttpReply> {
  const { target, sizeBytes, signal, tools } = transfer;
  const body = await askForBytes(transfer);
  try {
    return await target.session.call({
      method: "PUT",
      url: upload,
      scopes: [pushScope(target.repository)],
      headers: { "content-type": "application/octet-stream", "content-length": String(sizeBytes) },
      body: verifiedBytes(transfer, body.stream()),
      firstByteMillis: tools.commitMillis,
      signal,
    });
  } finally {
    await body.drop();
  }
}
