import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { Digest, digestOf } from "../../kernel/digest.ts";
import { ExternalSystemError } from "../../kernel/errors.ts";
import type { HttpReply } from "../http-reply.ts";
import { pullManifest, putManifest } from "./oci-manifests.ts";
import { repositoryPath, type RegistrySession } from "./oci-session.ts";
import type { AttachedManifest } from "./registry.ts";
import { pullScope } from "./scopes.ts";

/*
 * What is attached to a manifest by its `subject` (OCI distribution specification 1.1, "Listing Referrers"). A registry
 * without that API keeps the list as an index under the tag `sha256-<hex>`, and its clients write it.
 */

const INDEX = "application/vnd.oci.image.index.v1+json";
const MAX_INDEX_BYTES = 4 * 1024 * 1024;
/** A list that is longer, or goes on for more pages, is no list that anybody means. */
const MAX_LISTED = 1000;
const MAX_PAGES = 100;
/** How often the list under a tag is written when others write it at the same time. */
const MAX_WRITES = 6;
const LONGEST_PAUSE_MILLIS = 200;

/** What a list names; the rest of an entry is somebody else's and stays as it is. */
const Entry = z.looseObject({ digest: Digest });
const Index = z.looseObject({ manifests: z.array(Entry).max(MAX_LISTED) });
type Index = z.output<typeof Index>;

/** A repository of a registry, and what something in it is attached to. */
interface Subject {
  readonly repository: string;
  readonly digest: Digest;
}

const fallbackTag = (digest: Digest): string => digest.replace(":", "-");

const isIndex = (reply: HttpReply): boolean =>
  (reply.header("content-type") ?? "").split(";", 1).join().trim().toLowerCase() === INDEX;

function readIndex(session: RegistrySession, doing: string, bytes: Uint8Array): Index {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw session.fault(doing, "the list is not JSON");
  }
  const index = Index.safeParse(json);
  if (index.success) return index.data;
  const [issue] = index.error.issues;
  throw session.fault(doing, `the list is not valid: ${issue?.path.join(".")}: ${issue?.message}`);
}

/** The page behind this one, as RFC 8288 writes it; null at the end. */
function nextPage(reply: HttpReply): URL | null {
  const link = /<([^<>]*)>[^,<]*;\s*rel="?next"?/i.exec(reply.header("link") ?? "")?.[1];
  return link !== undefined && URL.canParse(link, reply.url.href) ? new URL(link, reply.url) : null;
}

/** The digests of what is attached to a manifest, in the registry's order, each once. */
export async function listReferrers(
  session: RegistrySession,
  subject: Subject,
  signal?: AbortSignal,
): Promise<readonly Digest[]> {
  const listed = await askApi(session, subject, signal);
  const found = listed ?? (await readFallback(session, subject, signal))?.manifests ?? [];
  return [...new Set(found.map(({ digest }) => digest))];
}

/** What the referrers API lists; null where the registry has none. Some answer what they do not know with a web page. */
async function askApi(
  session: RegistrySession,
  { repository, digest }: Subject,
  signal: AbortSignal | undefined,
): Promise<Index["manifests"] | null> {
  const doing = `listing the referrers of ${repository}@${digest}`;
  const listed: Index["manifests"] = [];
  let url: string | URL | null = repositoryPath(repository, `referrers/${digest}`);
  for (let page = 1; url !== null; page += 1) {
    if (page > MAX_PAGES) throw session.fault(doing, `the list has more than ${MAX_PAGES} pages`);
    const scopes = [pullScope(repository)];
    const headers = { accept: INDEX };
    const reply: HttpReply = await session.call({
      method: "GET",
      url,
      scopes,
      headers,
      followRedirects: true,
      signal,
    });
    if (
      page === 1 &&
      (reply.status === 404 || reply.status === 405 || (reply.status === 200 && !isIndex(reply)))
    ) {
      await reply.discard();
      return null;
    }
    if (reply.status !== 200) throw await session.refusal(reply, doing);
    listed.push(...readIndex(session, doing, await reply.bytes(MAX_INDEX_BYTES)).manifests);
    if (listed.length > MAX_LISTED)
      throw session.fault(doing, `the list has more than ${MAX_LISTED} entries`);
    url = nextPage(reply);
  }
  return listed;
}

/** The list that stands under a tag, with what is stored there; null when there is none. */
async function readFallback(
  session: RegistrySession,
  { repository, digest }: Subject,
  signal: AbortSignal | undefined,
): Promise<Index | null> {
  const tag = fallbackTag(digest);
  const doing = `reading the referrers in ${repository}:${tag}`;
  const raw = await pullManifest(session, repository, tag, signal).catch(nullWhenMissing);
  if (raw === null) return null;
  if (raw.mediaType !== INDEX) throw session.fault(doing, `there is a ${raw.mediaType} instead of an index`);
  return readIndex(session, doing, raw.bytes);
}

function nullWhenMissing(error: unknown): null {
  if (error instanceof ExternalSystemError && error.status === 404) return null;
  throw error;
}

/**
 * Stores a manifest that names a subject, by its digest, and sees to it that the list of the subject's referrers has
 * it: the registry does that itself and says so in OCI-Subject, or the list under the tag is read, extended and
 * written (same specification, "Pushing Manifests with Subject").
 */
export async function pushReferrer(
  session: RegistrySession,
  repository: string,
  { manifest, subject, artifactType, annotations }: AttachedManifest,
  signal?: AbortSignal,
): Promise<void> {
  const put = await putManifest(session, { repository, reference: manifest.digest }, manifest, signal);
  if (put.subject !== null) return;
  const entry = {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    ...(artifactType !== null && { artifactType }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  await extendFallback(session, { repository, digest: subject }, entry, signal);
}

/** Another client may write the list between our reading and our writing: it is read again until the entry is seen. */
async function extendFallback(
  session: RegistrySession,
  subject: Subject,
  entry: z.output<typeof Entry>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const tag = fallbackTag(subject.digest);
  for (let writes = 0; ; writes += 1) {
    const found = await readFallback(session, subject, signal);
    const index = found ?? { schemaVersion: 2, mediaType: INDEX, manifests: [] };
    if (index.manifests.some(({ digest }) => digest === entry.digest)) return;
    if (writes === MAX_WRITES)
      throw session.fault(
        `listing ${entry.digest} in ${subject.repository}:${tag}`,
        `others overwrote the list ${MAX_WRITES} times`,
        { retryable: true },
      );
    if (writes > 0) await sleep(Math.random() * LONGEST_PAUSE_MILLIS, undefined, signal ? { signal } : {});
    const bytes = Buffer.from(JSON.stringify({ ...index, manifests: [...index.manifests, entry] }));
    const extended = { digest: digestOf(bytes), mediaType: INDEX, bytes };
    await putManifest(session, { repository: subject.repository, reference: tag }, extended, signal);
  }
}
