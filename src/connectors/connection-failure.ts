import { ADDRESS_REFUSED } from "./guarded-connect.ts";

/** A failed conversation in words: what was being done when, what happened, and whether trying again may help. */
export interface ConnectionFailure {
  readonly doing: "connecting to" | "waiting for" | "reading from";
  readonly words: string;
  readonly retryable: boolean;
}

const failure = (
  doing: ConnectionFailure["doing"],
  words: string,
  retryable: boolean = true,
): ConnectionFailure => ({ doing, words, retryable });

const STOPPING = failure("connecting to", "the program is stopping");
const CUT = failure("waiting for", "the connection was cut");

const FAILURES: Readonly<Record<string, ConnectionFailure>> = {
  ECONNREFUSED: failure("connecting to", "connection refused"),
  ETIMEDOUT: failure("connecting to", "no connection within the time limit"),
  UND_ERR_CONNECT_TIMEOUT: failure("connecting to", "no connection within the time limit"),
  EHOSTUNREACH: failure("connecting to", "no route to the host"),
  ENETUNREACH: failure("connecting to", "no route to the network"),
  EADDRNOTAVAIL: failure("connecting to", "no route to the host"),
  ENOTFOUND: failure("connecting to", "the host name is not known"),
  EAI_AGAIN: failure("connecting to", "the host name cannot be looked up at the moment"),
  UND_ERR_DESTROYED: STOPPING,
  UND_ERR_CLOSED: STOPPING,
  ECONNRESET: CUT,
  EPIPE: CUT,
  UND_ERR_SOCKET: CUT,
  UND_ERR_HEADERS_TIMEOUT: failure("waiting for", "no answer within the time limit"),
  UND_ERR_BODY_TIMEOUT: failure("reading from", "nothing more came within the time limit"),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: failure("reading from", "the connection was cut"),
  UND_ERR_HEADERS_OVERFLOW: failure("reading from", "the headers are too long", false),
};

/** Certificates do not become good by asking again: somebody has to act. */
const CERTIFICATE_CODES = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

const codeOf = (error: Error): string =>
  "code" in error && typeof error.code === "string" ? error.code : "";

function failureOfCode(code: string, error: Error): ConnectionFailure | null {
  const known = FAILURES[code];
  if (known) return known;
  if (code === ADDRESS_REFUSED) return failure("connecting to", error.message, false);
  if (CERTIFICATE_CODES.has(code))
    return failure("connecting to", `the certificate is not trusted (${error.message})`, false);
  if (error.name === "HTTPParserError") return failure("reading from", "what came back is not HTTP", false);
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(code))
    return failure("connecting to", `TLS failed (${code}); does the server speak plain HTTP?`);
  return "syscall" in error ? failure("connecting to", error.message) : null;
}

/** Reads what the network layer threw; null for anything that is not a failure of the outside. */
export function connectionFailure(error: unknown): ConnectionFailure | null {
  if (!(error instanceof Error)) return null;
  const own = failureOfCode(codeOf(error), error);
  if (own) return own;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner === undefined ? null : connectionFailure(inner);
}
