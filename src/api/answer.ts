import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import { idempotentlyPrepared } from "../access/idempotent-request.ts";
import type { Context } from "../context.ts";
import type { Endpoint } from "./contract/endpoint.ts";
import { Problem } from "./contract/problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The program's context in the hands of this request's actor; set before any route runs. */
    ctx: Context;
    /** Asks again who the caller is, and what it may do now. Throws UNAUTHENTICATED. */
    identify: () => Promise<Context>;
  }
  interface FastifyContextConfig {
    /** Answered without a token. */
    open?: boolean;
  }
}

type Part<E, Name extends string> =
  E extends Readonly<Record<Name, infer Schema extends z.ZodType>> ? z.output<Schema> : undefined;

/** The checked parts of a request. */
export interface InputOf<E extends Endpoint> {
  readonly params: Part<E, "params">;
  readonly query: Part<E, "query">;
  readonly body: Part<E, "body">;
}

const MAX_BODY_BYTES = 8 * 1024 * 1024;
const MAX_OPEN_BODY_BYTES = 16 * 1024;

/** What Fastify and the OpenAPI document are told of an endpoint. */
export const schemaOf = (endpoint: Endpoint, success: unknown = successOf(endpoint)) => ({
  summary: endpoint.summary,
  tags: [endpoint.concept],
  ...(endpoint.open && { security: [] }),
  ...(endpoint.params && { params: endpoint.params }),
  ...(endpoint.query && { querystring: endpoint.query }),
  ...(endpoint.body && { body: endpoint.body }),
  ...(endpoint.idempotent && { headers: IdempotencyHeader }),
  response: {
    [endpoint.status]: success,
    default: { description: "A problem", content: { "application/problem+json": { schema: Problem } } },
  },
});

const successOf = (endpoint: Endpoint): z.ZodType =>
  endpoint.status === 204 ? z.undefined().describe("Done") : endpoint.reply;

const IdempotencyHeader = z.looseObject({
  "idempotency-key": z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("makes a repeated request answer like the first one, for 24 hours"),
});

/** The parts of a request as Fastify checked them against the endpoint's schemas. */
export const inputOf = <E extends Endpoint>(request: FastifyRequest): InputOf<E> =>
  ({ params: request.params, query: request.query, body: request.body }) as InputOf<E>;

type Reply<E extends Endpoint> = z.output<E["reply"]>;

/** Does what may take longer than a transaction, and returns what is left to do, for which one may be open. */
type Prepare<E extends Endpoint> = (
  ctx: Context,
  input: InputOf<E>,
) => Promise<(ctx: Context) => Promise<Reply<E>>>;

/** Adds the route of an endpoint: read, one use case, reply. An Idempotency-Key is taken care of here. */
export const answer = <E extends Endpoint>(
  app: FastifyInstance,
  endpoint: E,
  handle: (ctx: Context, input: InputOf<E>) => Promise<Reply<E>>,
): void => answerPrepared(app, endpoint, async (_, input) => (ctx) => handle(ctx, input));

/** The same for a use case in two parts. */
export function answerPrepared<E extends Endpoint>(
  app: FastifyInstance,
  endpoint: E,
  prepare: Prepare<E>,
): void {
  app.route({
    method: endpoint.method,
    url: endpoint.path.slice("/v1".length),
    schema: schemaOf(endpoint),
    config: { open: endpoint.open ?? false },
    bodyLimit: endpoint.open ? MAX_OPEN_BODY_BYTES : MAX_BODY_BYTES,
    handler: async (request, reply) => {
      const work = (ctx: Context) => prepare(ctx, inputOf<E>(request));
      const key = endpoint.idempotent && request.headers["idempotency-key"];
      const body =
        typeof key === "string"
          ? await repeatable(request, reply, endpoint, key, work)
          : await (
              await work(request.ctx)
            )(request.ctx);
      return reply.status(endpoint.status).send(body);
    },
  });
}

async function repeatable<E extends Endpoint>(
  request: FastifyRequest,
  reply: FastifyReply,
  endpoint: E,
  key: string,
  work: (ctx: Context) => Promise<(tx: Context) => Promise<Reply<E>>>,
): Promise<Reply<E>> {
  const { reply: body, replayed } = await idempotentlyPrepared(
    request.ctx,
    {
      route: `${endpoint.method} ${endpoint.path}`,
      key,
      request: { params: request.params, body: request.body },
    },
    { schema: endpoint.reply, secretField: endpoint.idempotent?.secret ?? null },
    work,
  );
  if (replayed) void reply.header("idempotency-replayed", "true");
  return body as Reply<E>;
}

const NDJSON = "application/x-ndjson";

/** Adds the route of an endpoint that answers with lines of JSON, sent as they come. */
export function answerLines<E extends Endpoint>(
  app: FastifyInstance,
  endpoint: E,
  handle: (ctx: Context, input: InputOf<E>) => Promise<AsyncIterable<string>>,
): void {
  const lines = { description: "Lines of JSON", content: { [NDJSON]: { schema: endpoint.reply } } };
  app.route({
    method: endpoint.method,
    url: endpoint.path.slice("/v1".length),
    schema: schemaOf(endpoint, lines),
    config: { open: false },
    handler: async (request, reply) => {
      const found = await handle(request.ctx, inputOf<E>(request));
      return reply.type(NDJSON).send(Readable.from(withLineEnds(found)));
    },
  });
}

async function* withLineEnds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
