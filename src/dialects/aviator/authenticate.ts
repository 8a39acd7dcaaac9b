import type { FastifyInstance } from "fastify";
import { NOBODY } from "../../access/actor.ts";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";

/** Gives each request its context: `Authorization: Bearer <token>`, as everywhere in Aviator's APIs. */
export function identifyAviatorCallers(app: FastifyInstance, ctx: Context, authenticate: Authenticate): void {
  app.decorateRequest("ctx", null as never);
  app.addHook("onRequest", async (request) => {
    const origin = { address: request.ip, requestId: request.id };
    const nobody = { ...ctx, log: ctx.log.child({ requestId: request.id }), actor: { ...NOBODY, ...origin } };
    const token = /^Bearer +(\S.*)$/i.exec(request.headers.authorization ?? "")?.[1] ?? null;
    request.ctx = { ...nobody, actor: await authenticate(nobody, token, origin) };
  });
}
