import * as z from "zod";
import { type Digest, digestOf, isDigest } from "../../kernel/digest.ts";
import { ExternalSystemError } from "../../kernel/errors.ts";
import type { HttpReply } from "../http-reply.ts";
import { manifestPath, type RegistrySession } from "./oci-session.ts";
import type { RawManifest } from "./registry.ts";
import { pullScope, pushScope } from "./scopes.ts";

/** Manifests and indexes of OCI and of Docker's schema 2. */
const MEDIA_TYPES: readonly string[] = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;
/** What servers say that do not know what they serve. */
const VAGUE_TYPES = new Set(["", "application/json", "application/octet-stream", "text/plain"]);
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const ACCEPT = MEDIA_TYPES.join(", ");

const Statement = z.object({
  mediaType: z.string().nullable().default(null),
  schemaVersion: z.unknown(),
});

/** What a manifest says of itself; null when it is no JSON object. */
function readStatement(bytes: Buffer): { mediaType: string | null; schemaVersion: unknown } | null {
  try {
    return Statement.parse(JSON.parse(bytes.toString()));
  } catch {
    return null;
  }
}

/** The one media type that header and body agree on, or in words why there is none. */
function mediaTypeOf(header: string | null, bytes: Buffer): { mediaType: string } | { problem: string } {
  const statement = readStatement(bytes);
  if (statement === null) return { problem: "the manifest is not a JSON object" };
  const stated = statement.mediaType;
  const sent = (header ?? "").split(";", 1).join().trim().toLowerCase();
  const mediaType = VAGUE_TYPES.has(sent) ? (stated ?? sent) : sent;
  if (statement.schemaVersion === 1 || SCHEMA_1.test(mediaType))
    return { problem: "the manifest is of schema 1, which cannot be copied by digest; push the image anew" };
  if (!MEDIA_TYPES.includes(mediaType))
    return { problem: `unknown manifest type "${mediaType.slice(0, 100)}"` };
  if (stated !== null && stated !== mediaType)
    return { problem: `the registry says ${mediaType}, the manifest itself ${stated.slice(0, 100)}` };
  return { mediaType };
}

/** The digest that the registry says the answer has; null when it says none that we know. */
function toldDigest(reply: HttpReply): Digest | null {
  const header = reply.header("docker-content-digest");
  return header !== null && isDigest(header) ? header : null;
}

const named = (repository: string, reference: string): string =>
  `${repository}${isDigest(reference) ? "@" : ":"}${reference}`;

/** Reads a manifest whole; its digest is that of the bytes, and the one asked for or told. */
export async function pullManifest(
  session: RegistrySession,
  repository: string,
  reference: string,
  signal?: AbortSignal,
): Promise<RawManifest> {
  const doing = `reading the manifest ${named(repository, reference)}`;
  const url = manifestPath(repository, reference);
  const reply = await session.call({
    method: "GET",
    url,
    scopes: [pullScope(repository)],
    headers: { accept: ACCEPT },
    followRedirects: true,
    signal,
  });
  if (reply.status !== 200) throw await session.refusal(reply, doing);
  const bytes = await reply.bytes(MAX_MANIFEST_BYTES);
  const digest = digestOf(bytes);
  const expected = isDigest(reference) ? reference : toldDigest(reply);
  if (expected !== null && expected !== digest)
    throw session.fault(doing, `digest mismatch: the bytes have ${digest} instead of ${expected}`);
  const found = mediaTypeOf(reply.header("content-type"), bytes);
  if ("problem" in found) throw session.fault(doing, found.problem);
  return { digest, mediaType: found.mediaType, bytes };
}

/** The digest behind a reference, without its bytes where the registry tells it; null when there is none. */
export async function findManifest(
  session: RegistrySession,
  repository: string,
  reference: string,
  signal?: AbortSignal,
): Promise<Digest | null> {
  const reply = await session.call({
    method: "HEAD",
    url: manifestPath(repository, reference),
    scopes: [pullScope(repository)],
    headers: { accept: ACCEPT },
    followRedirects: true,
    signal,
  });
  if (reply.status === 404) {
    await reply.discard();
    return null;
  }
  if (reply.status !== 200) throw await session.refusal(reply, `looking for ${named(repository, reference)}`);
  await reply.discard();
  if (isDigest(reference)) return reference;
  return toldDigest(reply) ?? (await pullManifest(session, repository, reference, signal)).digest;
}

/**
 * By what registries with immutable tags refuse to write a tag again, the same manifest included: Amazon ECR 400,
 * Artifactory 403, Harbor 412. It happens when the answer to the first write was lost.
 */
const TAG_TAKEN = new Set([400, 403, 409, 412]);

async function leadsTo(
  session: RegistrySession,
  { repository, reference }: { readonly repository: string; readonly reference: string },
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return (await findManifest(session, repository, reference, signal)) === digest;
  } catch (error) {
    if (error instanceof ExternalSystemError) return false;
    throw error;
  }
}

/** What a registry says of a manifest that it stored. */
export interface StoredManifest {
  readonly digest: Digest;
  /** The subject whose referrers the registry lists it among from now on; null when it lists none by itself. */
  readonly subject: string | null;
}

/** Stores a manifest and makes sure that the registry stored these very bytes. */
export async function putManifest(
  session: RegistrySession,
  target: { readonly repository: string; readonly reference: string },
  manifest: RawManifest,
  signal?: AbortSignal,
): Promise<StoredManifest> {
  const { repository, reference } = target;
  const doing = `writing the manifest ${named(repository, reference)}`;
  const reply = await session.call({
    method: "PUT",
    url: manifestPath(repository, reference),
    scopes: [pushScope(repository)],
    headers: { "content-type": manifest.mediaType },
    body: manifest.bytes,
    signal,
  });
  if (reply.status < 200 || reply.status > 299) {
    const refusal = await session.refusal(reply, doing);
    const isThere = TAG_TAKEN.has(reply.status) && (await leadsTo(session, target, manifest.digest, signal));
    if (!isThere) throw refusal;
    return { digest: manifest.digest, subject: null };
  }
  await reply.discard();
  const stored = toldDigest(reply) ?? (await findManifest(session, repository, reference, signal));
  if (stored === manifest.digest) return { digest: stored, subject: reply.header("oci-subject") };
  throw session.fault(
    doing,
    `digest mismatch: the registry stored ${stored ?? "nothing"} instead of ${manifest.digest}`,
  );
}
