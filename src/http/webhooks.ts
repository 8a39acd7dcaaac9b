import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { NOBODY } from "../access/actor.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { requireStorable } from "../kernel/storable.ts";
import { receiveWebhook } from "../workflows/receive-webhook.ts";
import { createRateLimit } from "./rate-limit.ts";

const MAX_BYTES = 5 * 1024 * 1024;
/** So many deliveries a minute from one address to one connection; GitHub sends a few for each run. */
const MOST_A_MINUTE = 600;

/** Where other systems tell that something happened: `POST /webhooks/<connection>`. What they say is only a reason to look. */
export const webhookRoutes =
  (ctx: Context): FastifyPluginAsync =>
  async (app) => {
    const admit = createRateLimit({ most: MOST_A_MINUTE, windowMillis: 60_000 });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: MAX_BYTES }, (_request, body, done) =>
      done(null, body),
    );
    app.route<{ Params: { connection: string } }>({
      method: "POST",
      url: "/webhooks/:connection",
      // Before the body is read.
      onRequest: async (request) => {
        const seconds = admit(`${request.ip} ${request.params.connection}`, ctx.now());
        if (seconds > 0)
          throw new DomainError("RATE_LIMITED", "Too many deliveries", { retryAfterSeconds: seconds });
      },
      preValidation: async (request) => requireStorable(request.params),
      handler: async (request, reply) => {
        const actor = { ...NOBODY, name: "webhook", address: request.ip, requestId: request.id };
        await receiveWebhook(
          { ...ctx, log: ctx.log.child({ requestId: request.id }), actor },
          {
            connection: request.params.connection,
            event: textHeader(request, "x-github-event") ?? "",
            signature: textHeader(request, "x-hub-signature-256"),
            rawBody: request.body instanceof Buffer ? request.body : Buffer.alloc(0),
          },
        );
        return reply.status(202).send();
      },
    });
  };

const textHeader = (request: FastifyRequest, name: string): string | null => {
  const value = request.headers[name];
  return typeof value === "string" ? value : null;
};
