import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { sendError } from "../api/errors.ts";
import { sendAviatorError } from "../dialects/aviator/errors.ts";
import { errorBody } from "../dialects/oci/errors.ts";
import { sendZadigError } from "../dialects/zadig/errors.ts";

/** Whose error form an address asks for, by its prefix. */
const FORMS = [
  { prefix: /^\/(?:openapi|api\/aslan)\//, send: sendZadigError },
  { prefix: /^\/api\/(?:releases|v1)\//, send: sendAviatorError },
  { prefix: /^\/v2\//, send: sendOciError },
] as const;

/**
 * Answers an address that no route can be found for, as it is broken or too long: no API has it in hand yet, but the
 * client reads the errors of the one that it meant.
 */
export function answerUnreadableAddress(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const send = FORMS.find(({ prefix }) => prefix.test(request.url))?.send ?? sendError;
  void send(error, request, reply);
}

function sendOciError(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const words = { code: "NAME_INVALID", message: error.message, detail: null } as const;
  return reply.status(error.statusCode ?? 400).send(errorBody(words));
}
