import type { Admission } from "../host-health.ts";
import { requireAllowedScheme } from "../http-client.ts";
import { type BlobTransfer, reading, socketError } from "./blob-transfer.ts";
import { repositoryPath } from "./oci-session.ts";
import type { ResponseHead } from "./response-head.ts";
import { pullScope } from "./scopes.ts";
import { readHead, readShortBody, requestHead } from "./slab-request.ts";
import type { SlabSocket } from "./slab-socket.ts";

/** A source whose body waits to be piped. */
export interface OpenSource {
  readonly socket: SlabSocket;
  /** The position in the blob of the first byte that waits. */
  readonly streamAt: number;
  /** The connection broke; the host's health hears of it. */
  broke(error: unknown): unknown;
  /** The whole body has been taken. */
  giveBack(): void;
}

const MAX_HOPS = 6;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Answers to a Range from servers that do ranges in part, or not: another part, or none. */
const CANNOT_BEGIN_THERE = new Set([206, 416]);

interface Answer {
  readonly url: URL;
  readonly socket: SlabSocket;
  readonly head: ResponseHead;
  readonly admission: Admission;
}

/** Sends one GET. A connection that was kept from before may be dead by now: then a new one is tried. */
async function ask(transfer: BlobTransfer, url: URL, headers: Record<string, string>): Promise<Answer> {
  const { source, tools, signal } = transfer;
  const { rules } = source.session;
  requireAllowedScheme(rules, url);
  const admission = await tools.health.admit({ url, system: rules.system, signal });
  for (;;) {
    let reused = false;
    let socket: SlabSocket | null = null;
    try {
      ({ socket, reused } = await tools.sockets.take(url, rules, "read"));
      socket.send(requestHead("GET", url, headers));
      const head = await readHead(socket, { millis: tools.firstByteMillis, signal });
      admission.answered({ status: head.status, header: (name) => head.headers.get(name) ?? null });
      return { url, socket, head, admission };
    } catch (error) {
      // One that is still open had its time, or answered nonsense.
      const wasDead = reused && socket?.ended() != null;
      socket?.destroy();
      signal?.throwIfAborted();
      if (wasDead) continue;
      const failure = socketError(source.session, url, error);
      admission.failed(failure);
      throw failure;
    }
  }
}

function redirectOf({ url, head }: Answer): URL | null {
  const location = REDIRECTS.has(head.status) ? head.headers.get("location") : undefined;
  return location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : null;
}

/** Asks with what the registry wants, through its redirects; credentials stay with the registry's own origin. */
async function askFollowing(transfer: BlobTransfer, range: Record<string, string>): Promise<Answer> {
  const { session, repository } = transfer.source;
  let scopes: readonly string[] = [pullScope(repository)];
  let url = new URL(repositoryPath(repository, `blobs/${transfer.digest}`), session.origin);
  let learnt = false;
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const authorization = url.origin === session.origin.origin ? await session.auth.authorize(scopes) : null;
    const answer = await ask(transfer, url, authorization === null ? range : { ...range, authorization });
    const next = redirectOf(answer);
    const wider: readonly string[] | null =
      answer.head.status === 401 && !learnt && url.origin === session.origin.origin
        ? session.auth.learn(answer.head.headers.get("www-authenticate") ?? null, authorization, scopes)
        : null;
    if (!next && !wider) return answer;
    answer.socket.destroy();
    if (next) url = next;
    if (!wider) continue;
    scopes = wider;
    learnt = true;
  }
  throw session.fault(reading(transfer), "too many redirects");
}

/** Where in the blob the body begins; null when the answer is not that blob, or says no length. */
function streamStart(
  { status, headers, length }: ResponseHead,
  at: number,
  sizeBytes: number,
): number | null {
  if (status === 200 && length === sizeBytes) return 0;
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const wanted = range && Number(range[1]) === at && length === sizeBytes - at;
  return status === 206 && wanted ? at : null;
}

/**
 * Opens the blob from this position on; a server that cannot begin there sends all of it. Null: it comes without a
 * length, which is for the stream. Throws ExternalSystemError.
 */
export async function openSource(transfer: BlobTransfer, at: number): Promise<OpenSource | null> {
  const { source, sizeBytes, tools, signal } = transfer;
  const { rules } = source.session;
  const { url, socket, head, admission } = await askFollowing(
    transfer,
    at > 0 ? { range: `bytes=${at}-` } : {},
  );
  const streamAt = streamStart(head, at, sizeBytes);
  if (streamAt === null && at > 0 && CANNOT_BEGIN_THERE.has(head.status)) {
    socket.destroy();
    return await openSource(transfer, 0);
  }
  if (streamAt !== null) {
    socket.hold();
    return {
      socket,
      streamAt,
      broke: (error) => {
        const failure = socketError(source.session, url, error);
        admission.failed(failure);
        return failure;
      },
      giveBack: () =>
        head.keepAlive ? tools.sockets.giveBack(url, rules, "read", socket) : socket.destroy(),
    };
  }
  if (head.status === 200 && head.length === null) {
    socket.destroy();
    return null;
  }
  try {
    if (head.status === 200)
      throw source.session.fault(
        reading(transfer),
        `the blob has ${head.length} bytes where its manifest promises ${sizeBytes}`,
      );
    if (head.status === 206)
      throw source.session.fault(reading(transfer), "the answer is another part of the blob");
    const { reply } = await readShortBody(socket, url, head, signal);
    throw await source.session.refusal(reply, reading(transfer));
  } finally {
    socket.destroy();
  }
}
