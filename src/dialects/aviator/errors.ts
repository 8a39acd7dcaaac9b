import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import {
  DatabaseAwayError,
  DomainError,
  type ErrorCode,
  type ErrorKind,
  ERRORS,
  ExternalSystemError,
} from "../../kernel/errors.ts";
import { wantsRepresentation } from "./preference.ts";

type Refusals = Partial<Record<ErrorCode, { readonly status: number; readonly error: string }>>;

/** The refusals of the API document "Releases", word for word: a body has the one key `error`, which clients compare. */
const DOCUMENTED: Refusals = {
  PROJECT_NOT_FOUND: { status: 404, error: "Release project not found" },
  ENVIRONMENT_NOT_FOUND: { status: 404, error: "Release environment not found" },
  RELEASE_NOT_FOUND: { status: 404, error: "Release not found" },
  SOURCE_NOT_FOUND: { status: 404, error: "GitHub repository not found" },
  ROLLBACK_TARGET_NOT_FOUND: { status: 404, error: "No previous deployment to roll back from" },
  CANDIDATE_INVALID: { status: 400, error: "Invalid release candidate version" },
  COMMIT_INVALID: { status: 400, error: "Invalid commit hash" },
  ENVIRONMENT_FROZEN: { status: 400, error: "Environment is frozen" },
};

/**
 * What the document leaves open, in the same form (notes, section 2). Aviator's command line also shows `message` and
 * `issues`, so these say more there.
 */
const UNDOCUMENTED: Refusals = {
  DEPLOYMENT_NOT_FOUND: { status: 404, error: "Deployment not found" },
  RELEASE_NOT_READY: { status: 400, error: "Release candidate is not ready" },
  CANDIDATE_EXISTS: { status: 409, error: "Release candidate already exists" },
  RELEASE_EXISTS: { status: 409, error: "Release candidate already exists" },
  RELEASE_BAD: { status: 409, error: "Release candidate is marked bad" },
  RELEASE_HELD: { status: 409, error: "Release candidate is held after a rollback" },
  PROMOTION_MISSING: { status: 409, error: "Release candidate has not passed the environment before" },
  ENVIRONMENT_BUSY: { status: 409, error: "Another deployment is in progress" },
};

const STATUS_OF_KIND = {
  invalid: 400,
  unprocessable: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  unavailable: 503,
} as const satisfies Record<ErrorKind, number>;

/** A request that is wrong in itself, in Aviator's words. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}

const RETRY_AFTER_SECONDS = 5;

/** Answers any thrown thing in Aviator's form. */
export function sendAviatorError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof BadRequest) return reply.status(400).send({ error: error.message });
  if (error instanceof DomainError) return sendDomainError(error, request, reply);
  if (error instanceof DatabaseAwayError) {
    request.log.warn({ err: error }, "the database does not answer");
    return sendDomainError(error.toRefusal(), request, reply);
  }
  if (error instanceof ExternalSystemError) return sendExternal(error, request, reply);
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return reply.status(status).send({ error: error.message });
  request.log.error({ err: error }, "a request failed for a reason that nobody foresaw");
  return reply.status(500).send({
    error: "Internal error",
    message: `The server's log has more under the request id ${request.id}`,
  });
}

function sendDomainError(error: DomainError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const documented = DOCUMENTED[error.code];
  const known = documented ?? UNDOCUMENTED[error.code];
  const status = known?.status ?? STATUS_OF_KIND[error.kind];
  if (status === 401)
    return reply.status(401).header("www-authenticate", "Bearer").send({ error: "Unauthorized" });
  if (status === 429 || status === 503) void reply.header("retry-after", retryAfter(error));
  const words = known?.error ?? error.message;
  const isBare = documented !== undefined && !wantsRepresentation(request);
  return reply.status(status).send({ error: words, ...(isBare ? {} : moreOf(error, words)) });
}

function moreOf(error: DomainError, words: string): object {
  const issues = issuesOf(error);
  const saysMore = error.message !== words && error.message !== ERRORS[error.code].message;
  return {
    ...(saysMore && { message: error.message }),
    ...(issues.length > 0 && { issues }),
  };
}

/** The git host does not answer in time: the caller may try again, and nothing was stored. */
function sendExternal(
  error: ExternalSystemError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  request.log.warn({ err: error }, "another system failed");
  const seconds =
    error.retryAfterMillis === null ? RETRY_AFTER_SECONDS : Math.ceil(error.retryAfterMillis / 1000);
  if (error.retryable) void reply.header("retry-after", seconds);
  return reply
    .status(error.retryable ? 503 : 502)
    .send({ error: `${error.system} does not answer`, message: error.message });
}

const retryAfter = ({ details }: DomainError): number =>
  typeof details["retryAfterSeconds"] === "number" ? details["retryAfterSeconds"] : RETRY_AFTER_SECONDS;

/** The texts of the gates that are closed. */
function issuesOf({ details }: DomainError): string[] {
  const { gates } = details;
  if (!Array.isArray(gates)) return [];
  return gates.flatMap((gate: unknown) =>
    typeof gate === "object" && gate !== null && "text" in gate && typeof gate.text === "string"
      ? [gate.text]
      : [],
  );
}
