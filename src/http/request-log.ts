import type { FastifyInstance } from "fastify";
import { redactUrl } from "../kernel/redaction.ts";

/** One line for each answered request, without secrets; tokens in an address are masked. */
export function logRequests(app: FastifyInstance): void {
  app.addHook("onResponse", async (request, reply) => {
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
