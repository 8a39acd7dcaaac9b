import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Authenticate } from "../../access/authenticate.ts";
import { NOBODY } from "../../access/actor.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../kernel/errors.ts";

/**
 * Gives each request its context. Zadig's gateway takes `Authorization: <any word> <token>`, exactly two parts,
 * or `?token=`; where both come and differ we refuse, for one of them would go unchecked (notes, 1.1 and W1).
 */
export function identifyZadigCallers(app: FastifyInstance, ctx: Context, authenticate: Authenticate): void {
  app.decorateRequest("ctx", null as never);
  app.addHook("onRequest", async (request) => {
    const origin = { address: request.ip, requestId: request.id };
    const nobody = { ...ctx, log: ctx.log.child({ requestId: request.id }), actor: { ...NOBODY, ...origin } };
    request.ctx = { ...nobody, actor: await authenticate(nobody, tokenOf(request), origin) };
  });
}

function tokenOf(request: FastifyRequest): string | null {
  const header = request.headers.authorization;
  const fromHeader = header === undefined ? null : secondOfTwo(header);
  const fromQuery = (request.query as Readonly<Record<string, unknown>>)["token"];
  if (fromQuery === undefined || fromQuery === "") return fromHeader;
  if (typeof fromQuery !== "string" || (fromHeader !== null && fromHeader !== fromQuery))
    throw new DomainError("UNAUTHENTICATED");
  return fromQuery;
}

function secondOfTwo(header: string): string {
  const [, token, ...more] = header.split(" ");
  if (token === undefined || token === "" || more.length > 0) throw new DomainError("UNAUTHENTICATED");
  return token;
}
