import type { HttpReply } from "../http-reply.ts";
import { requireAllowedScheme } from "../http-client.ts";
import { type BlobTransfer, socketError } from "./blob-transfer.ts";
import { pushScope } from "./scopes.ts";
import { readHead, readShortBody, requestHead } from "./slab-request.ts";
import type { SlabSocket } from "./slab-socket.ts";

/** An upload whose head has been sent. */
export interface OpenTarget {
  readonly socket: SlabSocket;
  /** The target's answer: to all bytes, or why it wants no more. Throws ExternalSystemError. */
  answer(): Promise<HttpReply>;
  /** The connection broke: the error, in words; the host's health hears of it. */
  broke(error: unknown): unknown;
  /** Lets go of the connection; `good`: all bytes were sent and answered. */
  done(good: boolean): void;
}

/** Opens the one request that carries these many bytes to an upload's address. */
export async function openTarget(transfer: BlobTransfer, url: URL, bytes: number): Promise<OpenTarget> {
  const { session, repository } = transfer.target;
  const { tools, signal } = transfer;
  const { rules } = session;
  requireAllowedScheme(rules, url);
  const scopes = [pushScope(repository)];
  const isOurs = url.origin === session.origin.origin;
  const authorization = isOurs ? await session.auth.authorize(scopes) : null;
  const admission = await tools.health.admit({ url, system: rules.system, signal });
  let whole = false;
  let taken: { readonly socket: SlabSocket; readonly reused: boolean } | null = null;

  function broke(error: unknown): unknown {
    const failure = socketError(session, url, error);
    // A kept connection that the other side closed meanwhile says nothing of its health.
    if (taken?.reused !== true) admission.failed(failure);
    return failure;
  }

  async function answer(socket: SlabSocket): Promise<HttpReply> {
    try {
      const head = await readHead(socket, { millis: tools.commitMillis, signal });
      const body = await readShortBody(socket, url, head, signal);
      whole = body.whole;
      admission.answered(body.reply);
      if (head.status === 401 && isOurs)
        session.auth.learn(head.headers.get("www-authenticate") ?? null, authorization, scopes);
      return body.reply;
    } catch (error) {
      signal?.throwIfAborted();
      throw broke(error);
    }
  }

  const head = requestHead("PUT", url, {
    ...(authorization === null ? {} : { authorization }),
    "content-type": "application/octet-stream",
    "content-length": String(bytes),
  });
  try {
    taken = await tools.sockets.take(url, rules, "write");
  } catch (error) {
    throw broke(error);
  }
  const { socket } = taken;
  if (bytes > 0) socket.sendWithNext(head);
  else socket.send(head);
  return {
    socket,
    answer: () => answer(socket),
    broke,
    done: (good) => (good && whole ? tools.sockets.giveBack(url, rules, "write", socket) : socket.destroy()),
  };
}
