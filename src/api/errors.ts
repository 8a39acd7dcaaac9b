import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from "fastify-type-provider-zod";
import {
  DatabaseAwayError,
  DomainError,
  type ErrorCode,
  type ErrorKind,
  ERRORS,
  ExternalSystemError,
} from "../kernel/errors.ts";
import { type Problem, problemType } from "./contract/problem.ts";
import { type FieldError, fieldErrors } from "./field-errors.ts";

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

/** What Fastify refuses before a route sees it, in words of ours. */
const REFUSED_BODIES: Readonly<Record<string, { readonly code: string; readonly detail: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: "BODY_TOO_LARGE", detail: "The body is larger than this route takes" },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: "BODY_INVALID",
    detail: "The body is not as long as its Content-Length says",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "CONTENT_TYPE_UNKNOWN",
    detail: "Send the body as application/json",
  },
};

type Refusal = Omit<Problem, "type" | "requestId"> & {
  readonly code: string;
  readonly retryAfterSeconds?: number;
};

const TITLES: Readonly<Record<number, string>> = {
  400: "Not a valid request",
  404: "Not found",
  405: "Method not allowed",
  413: "Body too large",
  415: "Unknown content type",
  500: "Something went wrong here",
  502: "Another system failed",
};
const titleOf = (status: number): string => TITLES[status] ?? "Refused";

const invalid = (code: string, errors: FieldError[]): Refusal => ({
  code,
  title: titleOf(400),
  status: 400,
  detail: errors.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; "),
  errors,
});

/** `parseInput` keeps each problem as `path: message`. */
function problemsOf(error: DomainError): FieldError[] {
  const { problems } = error.details;
  if (!Array.isArray(problems)) return [];
  return problems
    .filter((problem) => typeof problem === "string")
    .map((problem) => {
      const [path = "", ...message] = problem.split(": ");
      return { path, message: message.join(": ") };
    });
}

function ofDomain(error: DomainError): Refusal {
  const { retryAfterSeconds } = error.details;
  const errors = problemsOf(error);
  return {
    code: error.code,
    title: ERRORS[error.code].message,
    status: STATUS_OF_KIND[error.kind],
    detail: error.message,
    ...(errors.length > 0 && { errors }),
    ...(typeof retryAfterSeconds === "number" && { retryAfterSeconds }),
  };
}

function ofFastify(error: FastifyError): Refusal | null {
  if (hasZodFastifySchemaValidationErrors(error))
    return invalid("INPUT_INVALID", fieldErrors(error.validation, error.validationContext ?? "body"));
  const status = error.statusCode ?? 500;
  if (status < 400 || status >= 500) return null;
  const refused = REFUSED_BODIES[error.code];
  if (refused) return { ...refused, title: titleOf(status), status };
  return {
    code: status === 429 ? "RATE_LIMITED" : "INPUT_INVALID",
    title: titleOf(status),
    status,
    detail: error.message,
    ...(error.code === "BODY_NOT_JSON" && { errors: [{ path: "", message: error.message }] }),
  };
}

function unforeseen(error: Error, request: FastifyRequest): Refusal {
  const reason = isResponseSerializationError(error) ? error.cause : error;
  request.log.error({ err: error, reason }, "a request failed for a reason that nobody foresaw");
  return {
    code: "INTERNAL",
    title: titleOf(500),
    status: 500,
    detail: `Unforeseen; the log of the server has more under the request id ${request.id}`,
  };
}

/** Answers any thrown thing as a problem: the domain's, the outside's, Fastify's own, and what nobody foresaw. */
export function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(request, reply, refusalFor(error, request));
}

function refusalFor(error: Error, request: FastifyRequest): Refusal {
  if (error instanceof DomainError) return ofDomain(error);
  if (error instanceof DatabaseAwayError) {
    request.log.warn({ err: error }, "the database does not answer");
    return ofDomain(error.toRefusal());
  }
  if (error instanceof ExternalSystemError)
    return {
      code: "EXTERNAL_SYSTEM",
      title: titleOf(502),
      status: 502,
      detail: `${error.system}: ${error.message}`,
      ...(error.retryAfterMillis !== null && {
        retryAfterSeconds: Math.ceil(error.retryAfterMillis / 1000),
      }),
    };
  return ofFastify(error as FastifyError) ?? unforeseen(error, request);
}

/** A refusal in the domain's words, made by the edge itself. */
export const sendRefusal = (
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: {
    readonly code: ErrorCode | "ROUTE_UNKNOWN" | "METHOD_NOT_ALLOWED";
    status: number;
    detail: string;
  },
): FastifyReply => sendProblem(request, reply, { ...refusal, title: titleOf(refusal.status) });

const RETRY_AFTER_WHEN_UNKNOWN_SECONDS = 60;

function sendProblem(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { code, retryAfterSeconds, ...rest } = refusal;
  if (rest.status === 401) void reply.header("www-authenticate", 'Bearer realm="headgate"');
  if (rest.status === 429 || retryAfterSeconds !== undefined)
    void reply.header("retry-after", retryAfterSeconds ?? RETRY_AFTER_WHEN_UNKNOWN_SECONDS);
  const problem: Problem = { type: problemType(code), ...rest, requestId: request.id };
  return reply.status(rest.status).type("application/problem+json").send(problem);
}
