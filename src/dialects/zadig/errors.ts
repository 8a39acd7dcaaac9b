import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { DatabaseAwayError, DomainError, ExternalSystemError, messageOf } from "../../kernel/errors.ts";

/**
 * Zadig's classes of failure: code and text, which clients know by heart
 * (zadig-versions notes, 1.3). Codes from 6000 to 7999 travel with HTTP status 400.
 */
export const ERROR_CLASSES = {
  create: { code: 6560, message: "新建交付中心版本失败" },
  delete: { code: 6562, message: "删除交付中心版本失败" },
  read: { code: 6563, message: "查询交付中心版本失败" },
} as const;
export type ErrorClass = keyof typeof ERROR_CLASSES;

declare module "fastify" {
  interface FastifyContextConfig {
    /** The class in which this route's refusals are reported. */
    readonly zadigClass?: ErrorClass;
  }
}

/** A request that is wrong in itself: HTTP 400, code 400. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}

const body = (code: number, message: string, description: string) => ({
  type: "error",
  message,
  code,
  description,
  extra: {},
});

/** Answers any thrown thing in Zadig's form; 401 and 403 have no body. */
export function sendZadigError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof DomainError) return sendDomainError(error, request, reply);
  if (error instanceof DatabaseAwayError) {
    request.log.warn({ err: error }, "the database does not answer");
    return sendDomainError(error.toRefusal(), request, reply);
  }
  if (error instanceof BadRequest) return reply.status(400).send(body(400, "Bad Request", error.message));
  if (error instanceof ExternalSystemError)
    return reply.status(502).send(body(502, "Bad Gateway", `${error.system}: ${error.message}`));
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return reply.status(status).send(body(status, "Bad Request", error.message));
  request.log.error({ err: error }, "a request failed for a reason that nobody foresaw");
  const description = `the server's log has more under the request id ${request.id}`;
  return reply.status(500).send({ message: "Internal Error: ", code: 500, description });
}

function sendDomainError(error: DomainError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  switch (error.kind) {
    case "unauthenticated":
      return reply.status(401).send();
    case "forbidden":
      return reply.status(403).send();
    case "rate_limited":
      return reply.status(429).send(body(429, "Too Many Requests", error.message));
    case "unavailable":
      return reply.status(503).send(body(503, "Service Unavailable", error.message));
    case "not_found":
      if (error.code === "RELEASE_NOT_FOUND" && isAboutAnId(request))
        return reply.status(404).send(body(404, "Not Found", messageOf(error)));
      return sendClass(error, request, reply);
    case "unprocessable":
      return reply.status(422).send(body(422, "Unprocessable Entity", error.message));
    case "conflict":
      // Not a refusal of Zadig's: the same request is on its way, and may be sent again.
      if (error.code === "IDEMPOTENCY_RUNNING")
        return reply.status(409).send(body(409, "Conflict", error.message));
      return sendClass(error, request, reply);
    case "invalid":
      return sendClass(error, request, reply);
  }
}

/** On create, an unknown original is a mistake in the body, not an unknown address. */
const isAboutAnId = (request: FastifyRequest): boolean => request.routeOptions.url?.endsWith("/k8s") !== true;

/** Texts of Zadig that clients look for. */
const descriptionOf = (error: DomainError): string =>
  error.code === "RELEASE_EXISTS"
    ? `failed to insert delivery version ${String(error.details["version"])}, version already exist`
    : error.message;

function sendClass(error: DomainError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code, message } = ERROR_CLASSES[request.routeOptions.config.zadigClass ?? "read"];
  return reply.status(400).send(body(code, message, descriptionOf(error)));
}
