import { ExternalSystemError } from "../../kernel/errors.ts";
import type { HttpReply } from "../http-reply.ts";
import { type BlobTransfer, writing } from "./blob-transfer.ts";
import { hasBlob, uploadLocation } from "./oci-blobs.ts";
import { repositoryPath } from "./oci-session.ts";
import { pullScope, pushScope } from "./scopes.ts";

async function post(transfer: BlobTransfer, query: string, scopes: readonly string[]): Promise<HttpReply> {
  const { session, repository } = transfer.target;
  return await session.call({
    method: "POST",
    url: repositoryPath(repository, `blobs/uploads/${query}`),
    scopes,
    headers: { "content-length": "0" },
    signal: transfer.signal,
  });
}

async function sessionOf(transfer: BlobTransfer, reply: HttpReply): Promise<URL> {
  const { session, repository } = transfer.target;
  const doing = `beginning an upload to ${repository}`;
  if (reply.status !== 202) throw await session.refusal(reply, doing);
  await reply.discard();
  const location = uploadLocation(reply);
  if (location) return location;
  throw session.fault(doing, "the answer does not say where to send the bytes");
}

/** Whether the target has the blob; asked with the token that is needed for the upload anyhow. */
export const isStored = async ({ target, digest, signal }: BlobTransfer): Promise<boolean> =>
  await hasBlob(target.session, target.repository, digest, signal, pushScope(target.repository));

/** Begins an upload; the address for its bytes. */
export const beginUpload = async (transfer: BlobTransfer): Promise<URL> =>
  await sessionOf(transfer, await post(transfer, "", [pushScope(transfer.target.repository)]));

/**
 * Asks for the blob to be taken over from the other repository: "mounted", or the address of the upload that the
 * registry began instead, or null where it would do neither.
 */
export async function mountOrBegin(transfer: BlobTransfer, from: string): Promise<"mounted" | URL | null> {
  const { repository } = transfer.target;
  const query = new URLSearchParams({ mount: transfer.digest, from });
  try {
    const reply = await post(transfer, `?${query.toString()}`, [pushScope(repository), pullScope(from)]);
    if (reply.status !== 201) return await sessionOf(transfer, reply);
    await reply.discard();
    return "mounted";
  } catch (error) {
    // A mount only saves the way: where a registry fails at it, the bytes are sent.
    if (error instanceof ExternalSystemError) return null;
    throw error;
  }
}

/** What an interrupted upload has kept, and the address for the rest. */
export interface KeptUpload {
  readonly bytes: number;
  readonly upload: URL;
}

/**
 * How many bytes an interrupted upload has kept; null when it is gone, kept none, or the registry does not say. Null for
 * all of them too: what is to be stored must have a last byte to send, which leaves when the others are known to be right.
 */
export async function keptBytes(transfer: BlobTransfer, location: URL): Promise<KeptUpload | null> {
  const { session, repository } = transfer.target;
  const scopes = [pushScope(repository)];
  const reply = await session.call({ method: "GET", url: location, scopes, signal: transfer.signal });
  await reply.discard();
  if (reply.status !== 204) return null;
  const last = Number(/^(?:bytes=)?0-(\d{1,15})$/.exec(reply.header("range") ?? "")?.[1] ?? 0);
  // "0-0" is what some say of no byte at all.
  if (last === 0 || last + 1 >= transfer.sizeBytes) return null;
  return { bytes: last + 1, upload: uploadLocation(reply) ?? location };
}

/** Checks the answer to the last byte. Throws when the blob is not stored under its digest. */
export async function checkStored(
  transfer: BlobTransfer,
  reply: HttpReply,
  wasResumed: boolean,
): Promise<void> {
  const { target, digest } = transfer;
  if (reply.status < 200 || reply.status > 299) throw await target.session.refusal(reply, writing(transfer));
  await reply.discard();
  const stored = reply.header("docker-content-digest");
  if (stored !== null && stored !== digest)
    throw target.session.fault(writing(transfer), `digest mismatch: the registry stored ${stored} instead`);
  if (wasResumed && !(await isStored(transfer)))
    throw target.session.fault(writing(transfer), "the registry does not have the blob after all", {
      retryable: true,
    });
}
