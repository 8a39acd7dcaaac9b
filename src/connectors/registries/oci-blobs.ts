import type { Digest } from "../../kernel/digest.ts";
import { ExternalSystemError } from "../../kernel/errors.ts";
import type { HttpReply } from "../http-reply.ts";
import { repositoryPath, type RegistrySession } from "./oci-session.ts";
import { pullScope, pushScope } from "./scopes.ts";

/** Whether the repository has the blob. A redirect to where its bytes lie is a yes. */
export async function hasBlob(
  session: RegistrySession,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  const reply = await session.call({
    method: "HEAD",
    url: repositoryPath(repository, `blobs/${digest}`),
    scopes: [pullScope(repository)],
    signal,
  });
  const there = reply.status === 200 || (reply.status >= 301 && reply.status <= 308);
  if (!there && reply.status !== 404)
    throw await session.refusal(reply, `looking for ${repository}@${digest}`);
  await reply.discard();
  return there;
}

/** The address of the upload session that this answer began; null when it began none. */
export function uploadLocation(reply: HttpReply): URL | null {
  const location = reply.header("location");
  return location !== null && URL.canParse(location, reply.url.href) ? new URL(location, reply.url) : null;
}

/** Tells the registry to forget an upload session. It would do so by itself some day, so a failure does not count. */
export async function cancelUpload(
  session: RegistrySession,
  repository: string,
  location: URL,
): Promise<void> {
  try {
    const scopes = [pushScope(repository)];
    const reply = await session.call({ method: "DELETE", url: location, scopes, firstByteMillis: 5_000 });
    await reply.discard();
  } catch (error) {
    if (!(error instanceof ExternalSystemError)) throw error;
  }
}

/** Statuses by which registries say that the other repository is not ours to see, or that they cannot mount. */
const NOT_MOUNTABLE = new Set([400, 401, 403, 404, 405]);

/**
 * Asks for a blob of another repository of the same registry. False when the registry began a plain upload
 * instead, or does not let us see the other repository.
 */
export async function mountBlob(
  session: RegistrySession,
  repository: string,
  { digest, from, signal }: { digest: Digest; from: string; signal?: AbortSignal | undefined },
): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  try {
    const reply = await session.call({
      method: "POST",
      url: repositoryPath(repository, `blobs/uploads/?${query.toString()}`),
      scopes: [pushScope(repository), pullScope(from)],
      headers: { "content-length": "0" },
      signal,
    });
    if (reply.status === 201) {
      await reply.discard();
      return true;
    }
    if (reply.status !== 202) throw await session.refusal(reply, `mounting ${digest} into ${repository}`);
    await reply.discard();
    const location = uploadLocation(reply);
    if (location) await cancelUpload(session, repository, location);
    return false;
  } catch (error) {
    if (error instanceof ExternalSystemError && NOT_MOUNTABLE.has(error.status ?? 0)) return false;
    throw error;
  }
}
