import * as z from "zod";
import { readEvents, type ReceivedEvent } from "../kernel/event-stream.ts";
import type { Endpoint } from "./contract/endpoint.ts";
import { Problem } from "./contract/problem.ts";

type Given<E, Name extends string> =
  E extends Readonly<Record<Name, infer Schema extends z.ZodType>>
    ? { readonly [Key in Name]: z.input<Schema> }
    : unknown;

/** The parts of a request, as the endpoint takes them on the wire. */
export type RequestOf<E extends Endpoint> = Given<E, "params"> &
  (E extends { readonly query: infer Schema extends z.ZodType }
    ? { readonly query?: z.input<Schema> }
    : unknown) &
  Given<E, "body">;

/** The server answered with a refusal. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** No server, or none of ours, answered at this address. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
  readonly url: string;

  constructor(url: string, reason: string, cause?: unknown) {
    super(reason, { cause });
    this.url = url;
  }
}

export interface Client {
  /** Throws ProblemError, UnreachableError. */
  call<E extends Endpoint>(
    endpoint: E,
    request: RequestOf<E>,
    options?: { readonly idempotencyKey?: string },
  ): Promise<z.output<E["reply"]>>;
  /** The lines of an endpoint that answers as newline-separated JSON, as they come. Throws like `call`. */
  lines<E extends Endpoint>(endpoint: E, request: RequestOf<E>): AsyncIterable<string>;
  /** The events of an endpoint that answers as a stream, as they come, until `signal` is aborted. Throws like `call`. */
  events<E extends Endpoint>(
    endpoint: E,
    request: RequestOf<E>,
    signal: AbortSignal,
  ): AsyncIterable<ReceivedEvent>;
}

interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

/** Speaks to the `/v1` of the server at this address; `token` null for the open routes. */
export function createClient(settings: { readonly url: string; readonly token: string | null }): Client {
  const send = async (
    endpoint: Endpoint,
    parts: Parts,
    headers: Record<string, string>,
    signal: AbortSignal | null = null,
  ): Promise<Response> => {
    const url = addressOf(settings.url, endpoint, parts);
    const reply = await reach(url, {
      method: endpoint.method,
      signal,
      headers: {
        ...headers,
        ...(settings.token !== null && { authorization: `Bearer ${settings.token}` }),
        ...(endpoint.body && { "content-type": "application/json" }),
      },
      ...(endpoint.body && { body: JSON.stringify(parts.body) }),
    });
    if (!reply.ok) throw await refusal(url, reply);
    return reply;
  };
  return {
    async call(endpoint, request, { idempotencyKey } = {}) {
      const headers = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
      const reply = await send(endpoint, request as Parts, headers);
      const body: unknown = endpoint.status === 204 ? undefined : await reply.json();
      return readReply(endpoint, body) as never;
    },
    async *lines(endpoint, request) {
      const reply = await send(endpoint, request as Parts, {});
      let rest = "";
      for await (const part of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = (rest + part).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
      if (rest !== "") yield rest;
    },
    async *events(endpoint, request, signal) {
      const reply = await send(endpoint, request as Parts, { accept: "text/event-stream" }, signal);
      yield* readEvents(reply.body?.pipeThrough(new TextDecoderStream()) ?? []);
    },
  };
}

function addressOf(server: string, endpoint: Endpoint, { params = {}, query = {} }: Parts): string {
  const path = endpoint.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const url = new URL(server.replace(/\/+$/, "") + path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  return url.href;
}

/** Throws an Error when the server speaks of things this client does not know. */
function readReply(endpoint: Endpoint, body: unknown): unknown {
  const result = endpoint.reply.safeDecode(body as never);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Error(
    `the answer to ${endpoint.method} ${endpoint.path} is not what this version expects ` +
      `(${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}): are server and command line of the same version?`,
  );
}

async function reach(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new UnreachableError(url, cause instanceof Error ? cause.message : String(cause), error);
  }
}

async function refusal(url: string, reply: Response): Promise<Error> {
  const text = await reply.text();
  try {
    return new ProblemError(Problem.parse(JSON.parse(text)));
  } catch {
    // A proxy or some other server: what it said is all there is to show.
    return new UnreachableError(
      url,
      `HTTP ${reply.status}, which is no answer of Headgate: ${text.slice(0, 200)}`,
    );
  }
}
