import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { ExternalSystemError } from "../kernel/errors.ts";
import { refuseInTransaction } from "../kernel/transaction-scope.ts";
import { CallNotMadeError } from "./call-not-made.ts";
import { connectionFailure } from "./connection-failure.ts";
import { guardedConnect, neverConnected, type Resolve } from "./guarded-connect.ts";
import { type Admission, createHostHealth, type HostHealth } from "./host-health.ts";
import { httpReply, type HttpReply } from "./http-reply.ts";
import { momentIn, retryAfterMillis } from "./retry-after.ts";
import { type Traffic, UNCOUNTED } from "./traffic.ts";

/** Whom we talk to and what its connection allows. */
export interface HttpRules {
  /** How a person knows it; stands in errors. */
  readonly system: string;
  readonly allowPrivate: boolean;
  /** Without it only https is spoken, through every redirect. */
  readonly plainHttp: boolean;
  readonly caPem: string | null;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly rules: HttpRules;
  /** Lower-case names. `authorization` goes to the origin of `url` only. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream needs a `content-length` header. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Follow up to five redirects; otherwise the redirect is the answer. For GET and HEAD. */
  readonly followRedirects?: boolean;
  /** How long the answer may take to begin, in milliseconds. */
  readonly firstByteMillis?: number | undefined;
  /** A person asks at this moment: the call is made even when its host is held back. */
  readonly anyway?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The only way out. Throws ExternalSystemError for what fails outside, and inside a transaction; CallNotMadeError where
 * the request cannot have arrived.
 */
export interface HttpClient {
  /** Any status is an answer. Waits for a host that is held back, as `health` says. */
  send(request: HttpRequest): Promise<HttpReply>;
  close(): Promise<void>;
  /** How the hosts do. Whoever opens sockets of its own takes part in it. */
  readonly health: HostHealth;
  /** Where traffic is told. */
  readonly traffic: Traffic;
}

export interface HttpClientOptions {
  readonly userAgent?: string | undefined;
  /**
   * Time limits in milliseconds: to connect, for the answer to begin, between two pieces of it, and for the whole of
   * an answer that is read at once.
   */
  readonly connectMillis?: number | undefined;
  readonly firstByteMillis?: number | undefined;
  readonly stallMillis?: number | undefined;
  readonly smallBodyMillis?: number | undefined;
  /** How many sockets to one origin at a time. */
  readonly connectionsPerHost?: number | undefined;
  /** In place of DNS. */
  readonly resolve?: Resolve | undefined;
  readonly traffic?: Traffic | undefined;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** A wait that is longer is nothing that a call sits out. */
const TOLD_WAIT_MILLIS = 60_000;
const PASSING_STATUSES = new Set([408, 425, 429]);
/** Not implemented, version not supported, disk full: somebody has to act. */
const LASTING_STATUSES = new Set([501, 505, 507]);

/** A failure of the outside that no status tells: what came back breaks the protocol or a promise. */
export const systemError = (
  rules: Pick<HttpRules, "system">,
  message: string,
  facts: { readonly retryable?: boolean; readonly status?: number; readonly cause?: unknown } = {},
): ExternalSystemError =>
  new ExternalSystemError(message, { system: rules.system, retryable: false, ...facts });

/** An answer that is a refusal. 408, 425, 429 and most of 5xx may pass when asked again; a long wait is told in words. */
export function replyError(
  rules: Pick<HttpRules, "system">,
  reply: Pick<HttpReply, "status" | "header">,
  message: string,
): ExternalSystemError {
  const { status } = reply;
  const asked = retryAfterMillis(reply.header("retry-after"), new Date());
  const when =
    asked !== null && asked > TOLD_WAIT_MILLIS ? `; it may be asked again at ${momentIn(asked)}` : "";
  return new ExternalSystemError(message + when, {
    system: rules.system,
    status,
    retryable: PASSING_STATUSES.has(status) || (status >= 500 && !LASTING_STATUSES.has(status)),
    retryAfterMillis: asked,
  });
}

/** What the network layer threw, as callers know it; an abort keeps its reason, the unforeseen stays as it is. */
function translate({ rules, signal }: HttpRequest, url: URL, error: unknown): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof ExternalSystemError) return error;
  const failure = connectionFailure(error);
  if (!failure) return error;
  const message = `${failure.doing} ${url.host}: ${failure.words}`;
  const facts = { system: rules.system, retryable: failure.retryable, cause: error };
  return neverConnected(error)
    ? new CallNotMadeError(message, facts)
    : new ExternalSystemError(message, facts);
}

/** Tells the host's health what the network layer threw; errors of a body on its way out are not the host's. */
function told(admission: Admission, thrown: unknown, translated: unknown): unknown {
  if (translated !== thrown) admission.failed(translated);
  return translated;
}

/** Refuses every scheme but https, and http where the connection allows it. */
export function requireAllowedScheme(rules: HttpRules, url: URL): void {
  if (url.protocol === "https:" || (url.protocol === "http:" && rules.plainHttp)) return;
  const reason =
    url.protocol === "http:" ? "the connection does not allow plain HTTP" : "only HTTP is spoken";
  throw systemError(rules, `connecting to ${url.protocol}//${url.host}: ${reason}`);
}

/** Where a redirect leads; null for any other answer. Takes the redirect's body. */
async function redirectTarget(request: HttpRequest, reply: HttpReply): Promise<URL | null> {
  if (!request.followRedirects || !REDIRECTS.has(reply.status)) return null;
  await reply.discard();
  const location = reply.header("location");
  if (location !== null && URL.canParse(location, reply.url.href)) return new URL(location, reply.url);
  throw systemError(request.rules, `reading from ${reply.url.host}: a redirect that leads nowhere`);
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { authorization: _, ...others } = headers;
  return others;
}

type Send = (request: HttpRequest, url: URL, headers: Readonly<Record<string, string>>) => Promise<HttpReply>;

/** Every hop is a request of its own, through the guard; authorization does not leave its origin. */
async function sendFollowing(sendOnce: Send, request: HttpRequest): Promise<HttpReply> {
  let { url, headers = {} } = request;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const reply = await sendOnce(request, url, headers);
    const target = await redirectTarget(request, reply);
    if (!target) return reply;
    if (target.origin !== url.origin) headers = withoutAuthorization(headers);
    url = target;
  }
  throw systemError(request.rules, `reading from ${request.url.host}: more than ${MAX_REDIRECTS} redirects`);
}

/** The library is loaded when the first request leaves: a program that only serves starts faster without. */
type Undici = typeof import("undici");

/** Sockets are shared by all requests with the same rules for addresses and certificates. */
function agentFor(
  { Agent, buildConnector }: Undici,
  agents: Map<string, Dispatcher>,
  rules: HttpRules,
  options: HttpClientOptions,
): Dispatcher {
  const key = JSON.stringify([rules.allowPrivate, rules.caPem]);
  const known = agents.get(key);
  if (known) return known;
  const { allowPrivate, caPem } = rules;
  const timeoutMillis = options.connectMillis ?? 10_000;
  const agent = new Agent({
    connect: guardedConnect({ allowPrivate, caPem, timeoutMillis, resolve: options.resolve }, buildConnector),
    connections: options.connectionsPerHost ?? 18,
    headersTimeout: options.firstByteMillis ?? 30_000,
    bodyTimeout: options.stallMillis ?? 60_000,
  });
  agents.set(key, agent);
  return agent;
}

/** The error of a call that is made when the program is stopping. */
export const stopping = (rules: HttpRules, url: URL): ExternalSystemError =>
  new CallNotMadeError(`connecting to ${url.host}: the program is stopping`, {
    system: rules.system,
    retryable: false,
  });

/** Makes an HTTP client: no proxies, no cookies, no automatic decompression. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const agents = new Map<string, Dispatcher>();
  let closed = false;
  const traffic = options.traffic ?? UNCOUNTED;
  const health = createHostHealth(traffic);
  const ownHeaders = { "user-agent": options.userAgent ?? "headgate", "accept-encoding": "identity" };

  const sendOnce: Send = async (request, url, headers) => {
    const { rules, method, signal, firstByteMillis } = request;
    requireAllowedScheme(rules, url);
    const { system } = rules;
    const admission = await health.admit({ url, system, signal, anyway: request.anyway });
    const replyRules = {
      translate: (error: unknown) => told(admission, error, translate(request, url, error)),
      tooLong: (limit: number) =>
        systemError(rules, `reading from ${url.host}: the answer is longer than ${limit} bytes`),
      tooSlow: () => {
        const slow = `reading from ${url.host}: the answer did not come whole within the time limit`;
        return systemError(rules, slow, { retryable: true });
      },
      smallBodyMillis: options.smallBodyMillis ?? 60_000,
    };
    try {
      const undici = await import("undici");
      signal?.throwIfAborted();
      if (closed) throw stopping(rules, url);
      const raw = await undici.request(url, {
        dispatcher: agentFor(undici, agents, rules, options),
        method,
        // The library would close the connection after each HEAD, and half of what registries are asked is that.
        ...(method === "HEAD" && { reset: false }),
        headers: { ...ownHeaders, ...headers },
        // undici takes any async iterable; its types only know streams.
        body: (request.body ?? null) as Readable | string | Uint8Array | null,
        signal: signal ?? null,
        ...(firstByteMillis === undefined ? {} : { headersTimeout: firstByteMillis }),
      });
      const reply = httpReply(url, raw, replyRules);
      admission.answered(reply);
      return reply;
    } catch (error) {
      throw replyRules.translate(error);
    }
  };

  return {
    health,
    traffic,
    send: async (request) => {
      refuseInTransaction(`A request to ${request.url.host}`);
      if (closed) throw stopping(request.rules, request.url);
      return await sendFollowing(sendOnce, request);
    },
    close: async () => {
      closed = true;
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}
