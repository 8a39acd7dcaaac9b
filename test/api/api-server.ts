import Fastify, { type FastifyBaseLogger } from "fastify";
import { type Actor, NOBODY } from "../../src/access/actor.ts";
import type { Authenticate } from "../../src/access/authenticate.ts";
import { api, type ApiOptions } from "../../src/api/api.ts";
import type { Context } from "../../src/context.ts";
import { DomainError } from "../../src/kernel/errors.ts";

/** What came back, as a client sees it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface ApiServer {
  readonly url: string;
  /** A request with the token of this person; null: without one. */
  readonly send: (
    who: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

/** Tells people apart by name alone: each one's token is the name. */
export const byName =
  (people: Readonly<Record<string, Partial<Actor>>>): Authenticate =>
  async (_, token, origin) => {
    const person = people[token ?? ""];
    if (!person) throw new DomainError("UNAUTHENTICATED");
    return { ...NOBODY, name: token ?? "", ...person, ...origin };
  };

/** `/v1` alone on a free port. */
export async function startApi(
  ctx: Context,
  authenticate: Authenticate,
  live: NonNullable<ApiOptions["live"]> = {},
): Promise<ApiServer> {
  const app = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 2048 },
  });
  await app.register(api(ctx, { authenticate, live }), { prefix: "/v1" });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const send: ApiServer["send"] = async (who, method, path, body, headers = {}) => {
    const reply = await fetch(url + path, {
      method,
      headers: {
        ...(who !== null && { authorization: `Bearer ${who}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    return { status: reply.status, headers: reply.headers, body: text === "" ? null : JSON.parse(text) };
  };
  return { url, send, close: () => app.close() };
}
