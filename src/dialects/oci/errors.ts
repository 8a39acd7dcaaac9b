import { DatabaseAwayError, DomainError, type ErrorCode, type ErrorKind } from "../../kernel/errors.ts";
import type { OciErrorBody, OciErrorCode } from "./wire.ts";

/** A refusal by the protocol itself, before any use case is asked. */
export class OciError extends Error {
  override readonly name = "OciError";
  readonly status: number;
  readonly code: OciErrorCode;

  constructor(status: number, code: OciErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A refusal as it goes over the wire. */
export interface Refusal {
  readonly status: number;
  readonly code: OciErrorCode;
  readonly message: string;
  readonly detail: unknown;
}

const BY_CODE: Partial<Record<ErrorCode, readonly [number, OciErrorCode]>> = {
  PROJECT_NOT_FOUND: [404, "NAME_UNKNOWN"],
  REPOSITORY_NAME_INVALID: [400, "NAME_INVALID"],
  REPOSITORY_NOT_FOUND: [404, "NAME_UNKNOWN"],
  MANIFEST_NOT_FOUND: [404, "MANIFEST_UNKNOWN"],
  MANIFEST_INVALID: [400, "MANIFEST_INVALID"],
  MANIFEST_BLOB_UNKNOWN: [404, "MANIFEST_BLOB_UNKNOWN"],
  RELEASE_PINNED: [403, "DENIED"],
  BLOB_NOT_FOUND: [404, "BLOB_UNKNOWN"],
  BLOB_IN_USE: [403, "DENIED"],
  UPLOAD_NOT_FOUND: [404, "BLOB_UPLOAD_UNKNOWN"],
  UPLOAD_OUT_OF_ORDER: [416, "BLOB_UPLOAD_INVALID"],
  DIGEST_MISMATCH: [400, "DIGEST_INVALID"],
  SIZE_MISMATCH: [400, "SIZE_INVALID"],
  STORAGE_FULL: [507, "UNAVAILABLE"],
};

const BY_KIND = {
  invalid: [400, "UNSUPPORTED"],
  unprocessable: [400, "UNSUPPORTED"],
  unauthenticated: [401, "UNAUTHORIZED"],
  forbidden: [403, "DENIED"],
  not_found: [404, "NAME_UNKNOWN"],
  conflict: [409, "DENIED"],
  rate_limited: [429, "TOOMANYREQUESTS"],
  unavailable: [503, "UNAVAILABLE"],
} as const satisfies Record<ErrorKind, readonly [number, OciErrorCode]>;

/** How this registry words an error; null for one that nobody foresaw. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof OciError)
    return { status: error.status, code: error.code, message: error.message, detail: null };
  if (error instanceof DatabaseAwayError) return refusalOf(error.toRefusal());
  if (!(error instanceof DomainError)) return null;
  const [status, code] = BY_CODE[error.code] ?? BY_KIND[error.kind];
  return { status, code, message: error.message, detail: error.details };
}

export const errorBody = ({ code, message, detail }: Omit<Refusal, "status">): OciErrorBody => ({
  errors: [{ code, message, detail }],
});
