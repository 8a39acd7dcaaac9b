import type { FastifyInstance } from "fastify";
import { redactUrl } from "../kernel/redaction.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Asked every few seconds by machines: an answer is worth no line in the log. */
    readonly quiet?: boolean;
  }
}

/** One line for each answered request, without secrets; tokens in an address are masked. */
export function logRequests(app: FastifyInstance): void {
  app.addHook("onResponse", async (request, reply) => {
    if (request.routeOptions.config.quiet) return;
    const facts = {
      method: request.method,
      url: redactUrl(request.url),
      status: reply.statusCode,
      millis: Math.round(reply.elapsedTime),
      address: request.ip,
    };
    request.log.info(facts, "answered");
  });
}
