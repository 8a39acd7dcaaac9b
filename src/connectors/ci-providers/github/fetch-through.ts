import type { HttpClient, HttpRequest, HttpRules } from "../../http-client.ts";
import type { HttpReply } from "../../http-reply.ts";
import { systemError } from "../../http-client.ts";

/** What GitHub's client hands to its `fetch`. */
export interface FetchInit {
  readonly method?: string;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | null | undefined;
}

/** A page of a hundred runs is about 2 MiB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** All that is read of an answer. `deprecation` is left out: the client would print it. */
const HEADERS = [
  "date",
  "etag",
  "link",
  "location",
  "retry-after",
  "x-github-request-id",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
];

const METHODS: Readonly<Record<string, HttpRequest["method"]>> = { GET: "GET", HEAD: "HEAD", POST: "POST" };

/** The client cannot read every content type that a server may send; what it needs to know is whether it is JSON. */
const contentType = (reply: HttpReply): string =>
  /\bjson\b/i.test(reply.header("content-type") ?? "") ? "application/json" : "text/plain";

function headersOf(reply: HttpReply): Headers {
  const headers = new Headers({ "content-type": contentType(reply) });
  for (const name of HEADERS) {
    const value = reply.header(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

/**
 * A `fetch` that leaves through the guarded client. Redirects are followed for reads alone: GitHub answers them for a
 * repository that has moved. Throws ExternalSystemError.
 */
export function fetchThrough(http: HttpClient, rules: HttpRules) {
  return async (address: string, init: FetchInit = {}): Promise<Response> => {
    const { "user-agent": _, ...headers } = init.headers ?? {};
    const method = METHODS[init.method ?? "GET"];
    if (!method) throw new Error(`GitHub is never asked with ${init.method}`);
    const followRedirects = method !== "POST";
    const signal = init.signal ?? undefined;
    const url = new URL(address);
    const reply = await http.send({ method, url, rules, headers, body: init.body, followRedirects, signal });
    const { status } = reply;
    const bytes = await reply.bytes(MAX_ANSWER_BYTES);
    if (status < 200 || status > 599) throw systemError(rules, `reading from ${url.host}: HTTP ${status}`);
    const body = [204, 205, 304].includes(status) ? null : new Uint8Array(bytes);
    return new Response(body, { status, headers: headersOf(reply) });
  };
}
