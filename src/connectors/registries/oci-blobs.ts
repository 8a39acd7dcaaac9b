import type { Digest } from "../../kernel/digest.ts";
import { ExternalSystemError } from "../../kernel/errors.ts";
import type { HttpReply } from "../http-reply.ts";
import { repositoryPath, type RegistrySession } from "./oci-session.ts";
import { pullScope, pushScope } from "./scopes.ts";

/** Whether the repository has the blob. A redirect to where its bytes lie is a yes. `scope`: that of calls around it. */
export async function hasBlob(
  session: RegistrySession,
  repository: string,
  digest: Digest,
  signal?: AbortSignal,
  scope: string = pullScope(repository),
): Promise<boolean> {
  const reply = await session.call({
    method: "HEAD",
    url: repositoryPath(repository, `blobs/${digest}`),
    scopes: [scope],
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

/** How long a registry may take to forget an upload, in milliseconds: a copy that was aborted waits for it. */
const FORGET_MILLIS = 5_000;

/** Tells the registry to forget an upload session. It would do so by itself some day, so a failure does not count. */
export async function cancelUpload(
  session: RegistrySession,
  repository: string,
  location: URL,
): Promise<void> {
  const signal = AbortSignal.timeout(FORGET_MILLIS);
  try {
    const scopes = [pushScope(repository)];
    const reply = await session.call({ method: "DELETE", url: location, scopes, signal });
    await reply.discard();
  } catch (error) {
    if (!(error instanceof ExternalSystemError || signal.aborted)) throw error;
  }
}
