import type { HttpReply } from "../http-reply.ts";
import { parseHead, type ResponseHead } from "./response-head.ts";
import type { SlabSocket } from "./slab-socket.ts";

/** The head of a request as it goes over the wire. Throws when a header would break out of its line. */
export function requestHead(
  method: "GET" | "PUT",
  url: URL,
  headers: Readonly<Record<string, string>>,
): string {
  const fields = { host: url.host, "user-agent": "headgate", "accept-encoding": "identity", ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  if (lines.some((line) => /[^\t\x20-\x7e\x80-\xff]/.test(line)))
    throw new Error("a header has characters that headers cannot have");
  return `${[`${method} ${url.pathname}${url.search} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`;
}

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Waits until `look` finds something. Fails when the socket ends, the time is over, or the signal aborts. */
export function waitFor<T>(
  socket: SlabSocket,
  look: () => T | null,
  { millis, signal }: { readonly millis: number; readonly signal: AbortSignal | undefined },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket.listen(() => {});
      end();
    };
    const abort = (): void => settle(() => reject(signal?.reason));
    const timer = setTimeout(() => settle(() => reject(failure("UND_ERR_HEADERS_TIMEOUT"))), millis);
    const check = (): void => {
      try {
        const found = look();
        const ended = socket.ended();
        if (found !== null) settle(() => resolve(found));
        else if (ended) settle(() => reject(ended));
      } catch (error) {
        settle(() => reject(error));
      }
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.listen(check);
    if (signal?.aborted) abort();
    else check();
  });
}

/** Takes the head of the answer off the socket; the body waits behind it. */
export async function readHead(
  socket: SlabSocket,
  limits: { readonly millis: number; readonly signal: AbortSignal | undefined },
): Promise<ResponseHead> {
  return await waitFor(
    socket,
    () => {
      const parsed = parseHead(socket.waiting());
      if (!parsed) return null;
      socket.take(parsed.bodyAt).giveBack();
      return parsed.head;
    },
    limits,
  );
}

/** What a short answer may have, and how long its body may take after its head, in milliseconds. */
const MAX_SHORT_BYTES = 32 * 1024;
const SHORT_MILLIS = 2_000;

/** Reads the body of a short answer. `whole`: all of it came, and the socket may be used again. */
export async function readShortBody(
  socket: SlabSocket,
  url: URL,
  head: ResponseHead,
  signal: AbortSignal | undefined,
): Promise<{ readonly reply: HttpReply; readonly whole: boolean }> {
  // Words that do not come are not waited for: the status has said what matters.
  const found = await waitFor(socket, () => bodyIn(socket, head), { millis: SHORT_MILLIS, signal }).catch(
    () => null,
  );
  signal?.throwIfAborted();
  const body = found === "too long" ? null : found;
  if (body) socket.take(body.takes).giveBack();
  const bytes = body?.bytes ?? Buffer.from(socket.waiting().subarray(0, MAX_SHORT_BYTES));
  return { reply: replyOf(url, head, bytes), whole: body !== null && head.keepAlive };
}

interface ShortBody {
  readonly bytes: Buffer;
  /** How many bytes of the connection it took. */
  readonly takes: number;
}

/** The whole body, if it waits; null while it does not, or where it has no end but the connection's. */
function bodyIn(socket: SlabSocket, head: ResponseHead): ShortBody | "too long" | null {
  const waiting = socket.waiting();
  if (head.length !== null && head.length <= Math.min(waiting.length, MAX_SHORT_BYTES))
    return { bytes: Buffer.from(waiting.subarray(0, head.length)), takes: head.length };
  const body = head.headers.has("transfer-encoding") ? unchunk(waiting) : null;
  return body === null && waiting.length > MAX_SHORT_BYTES ? "too long" : body;
}

/**
 * A body in chunks, put together (RFC 9112, section 7.1); null while its end has not come. Trailers are not read: a
 * body that has some is not whole.
 */
function unchunk(waiting: Buffer): ShortBody | null {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = waiting.indexOf("\r\n", at);
    const size = Number.parseInt(waiting.toString("latin1", at, Math.max(lineEnd, at)), 16);
    if (lineEnd === -1 || !(size >= 0)) return null;
    const from = lineEnd + 2;
    const next = from + size + 2;
    if (next > waiting.length || waiting.toString("latin1", next - 2, next) !== "\r\n") return null;
    if (size === 0) return { bytes: Buffer.concat(pieces), takes: next };
    pieces.push(Buffer.from(waiting.subarray(from, from + size)));
    at = next;
  }
}

/** A short answer in the form in which all others come. */
function replyOf(url: URL, { status, headers }: ResponseHead, body: Buffer): HttpReply {
  return {
    status,
    url,
    header: (name) => headers.get(name) ?? null,
    bytes: async (limitBytes) => body.subarray(0, limitBytes),
    beginning: async (limitBytes) => body.subarray(0, limitBytes),
    async *stream() {
      yield body;
    },
    discard: async () => {},
    drop: async () => {},
  };
}
