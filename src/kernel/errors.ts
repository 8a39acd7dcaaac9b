/**
 * Every way the domain can refuse, by code. Each edge maps kind or code to its own status and body.
 * The message is what a person reads when the thrower gives none of its own.
 */
export const ERRORS = {
  INPUT_INVALID: { kind: "invalid", message: "The request is not valid" },
  UNAUTHENTICATED: { kind: "unauthenticated", message: "A valid token is needed" },
  SIGN_IN_REFUSED: { kind: "unauthenticated", message: "Unknown user or wrong password" },
  FORBIDDEN: { kind: "forbidden", message: "Your role does not allow this" },
  RATE_LIMITED: { kind: "rate_limited", message: "Too many attempts; try again later" },
  NOT_IMPLEMENTED: { kind: "invalid", message: "Not available yet" },
  UNAVAILABLE: { kind: "unavailable", message: "Not available at the moment" },

  PROJECT_NOT_FOUND: { kind: "not_found", message: "Unknown project" },
  PROJECT_EXISTS: { kind: "conflict", message: "A project with this key exists" },
  SERVICE_NOT_FOUND: { kind: "not_found", message: "Unknown service" },
  SERVICE_EXISTS: { kind: "conflict", message: "A service with this name exists in the project" },

  RELEASE_NOT_FOUND: { kind: "not_found", message: "Unknown release" },
  RELEASE_EXISTS: { kind: "conflict", message: "The project has a release of this version" },
  RELEASE_PINNED: { kind: "conflict", message: "A release pins this" },
  DISTRIBUTION_NOT_FOUND: { kind: "not_found", message: "Unknown distribution" },
  DISTRIBUTION_NOT_FAILED: { kind: "conflict", message: "Only a failed distribution can be retried" },

  CANDIDATE_EXISTS: { kind: "conflict", message: "The candidate was cut from another commit" },
  CANDIDATE_INVALID: { kind: "invalid", message: "A candidate's version ends in -rc and a number" },
  COMMIT_INVALID: { kind: "invalid", message: "No such commit" },
  SOURCE_NOT_FOUND: { kind: "not_found", message: "Unknown repository" },
  MARK_NOT_FOUND: { kind: "not_found", message: "This version is not marked bad" },

  ENVIRONMENT_NOT_FOUND: { kind: "not_found", message: "Unknown environment" },
  ENVIRONMENT_EXISTS: { kind: "conflict", message: "The project has an environment of this name" },
  FREEZE_NOT_FOUND: { kind: "not_found", message: "Unknown freeze" },
  FREEZE_EXISTS: { kind: "conflict", message: "A freeze with this name exists" },
  HOLD_NOT_FOUND: { kind: "not_found", message: "Nothing holds this version here" },

  WORKFLOW_NOT_FOUND: { kind: "not_found", message: "Unknown workflow" },
  WORKFLOW_EXISTS: { kind: "conflict", message: "The project has a workflow of this name" },
  WORKFLOW_RUN_NOT_FOUND: { kind: "not_found", message: "Unknown workflow run" },

  DEPLOYMENT_NOT_FOUND: { kind: "not_found", message: "Unknown deployment" },
  DEPLOYMENT_OVER: { kind: "conflict", message: "The deployment has ended" },
  DEPLOYMENT_UNDER_WAY: { kind: "conflict", message: "The deployment is under way" },
  ROLLBACK_TARGET_NOT_FOUND: { kind: "not_found", message: "No previous deployment to roll back from" },
  RELEASE_NOT_READY: { kind: "conflict", message: "This is not ready to be deployed" },
  RELEASE_BAD: { kind: "conflict", message: "This is marked bad" },
  RELEASE_HELD: { kind: "conflict", message: "This is held here after a rollback" },
  PROMOTION_MISSING: { kind: "conflict", message: "This must succeed in another environment first" },
  ENVIRONMENT_FROZEN: { kind: "conflict", message: "Environment is frozen" },
  ENVIRONMENT_BUSY: { kind: "conflict", message: "Another deployment is under way" },

  REFERRER_NOT_COPIED: { kind: "conflict", message: "What is attached to an image could not be copied" },

  CONNECTION_NOT_FOUND: { kind: "not_found", message: "Unknown connection" },
  CONNECTION_EXISTS: { kind: "conflict", message: "A connection with this name exists" },
  CONNECTION_NOT_SHARED: { kind: "invalid", message: "The connection is not shared with the project" },
  CONNECTION_IN_USE: { kind: "conflict", message: "Releases, projects or workflows use the connection" },
  CONNECTION_BUILT_IN: { kind: "conflict", message: "The built-in connection cannot be changed" },

  USER_NOT_FOUND: { kind: "not_found", message: "Unknown user" },
  USER_EXISTS: { kind: "conflict", message: "A user with this name exists" },
  USER_LAST_ADMIN: { kind: "conflict", message: "One system admin must remain" },
  TOKEN_NOT_FOUND: { kind: "not_found", message: "Unknown token" },
  SIGN_UP_CLOSED: { kind: "not_found", message: "This sign-up link is not valid any more" },

  IDEMPOTENCY_MISMATCH: { kind: "unprocessable", message: "This Idempotency-Key came with another request" },
  IDEMPOTENCY_RUNNING: {
    kind: "conflict",
    message: "The first request with this Idempotency-Key still runs",
  },

  REPOSITORY_NAME_INVALID: { kind: "invalid", message: "The repository name is not valid" },
  REPOSITORY_NOT_FOUND: { kind: "not_found", message: "Unknown repository" },
  MANIFEST_NOT_FOUND: { kind: "not_found", message: "Unknown manifest" },
  BLOB_IN_USE: { kind: "conflict", message: "A manifest of the repository needs this blob" },
  BLOB_NOT_FOUND: { kind: "not_found", message: "Unknown blob" },
  UPLOAD_NOT_FOUND: { kind: "not_found", message: "Unknown upload" },
  UPLOAD_OUT_OF_ORDER: { kind: "conflict", message: "The chunk does not begin where the upload stands" },
  MANIFEST_INVALID: { kind: "invalid", message: "The manifest is not valid" },
  MANIFEST_BLOB_UNKNOWN: { kind: "invalid", message: "The manifest names a blob that the repository lacks" },
  DIGEST_MISMATCH: { kind: "invalid", message: "The bytes do not have the digest that was promised" },
  SIZE_MISMATCH: { kind: "invalid", message: "The bytes are not as many as were promised" },
  STORAGE_FULL: { kind: "unavailable", message: "Too little room is left on the disk" },

  CONFIGURATION_CHANGED: {
    kind: "conflict",
    message: "What is here has changed since the plan was made, so nothing was applied: plan again",
  },

  BACKUP_EXISTS: { kind: "conflict", message: "A backup of this name exists" },
  BACKUP_RUNNING: { kind: "conflict", message: "Another backup is being made" },
  BACKUP_INCOMPLETE: { kind: "conflict", message: "The registry inside lacks bytes that it should have" },
  BACKUP_NOT_HERE: { kind: "conflict", message: "Back up PostgreSQL with its own tools (pg_dump)" },
} as const satisfies Record<string, { kind: ErrorKind; message: string }>;

export type ErrorKind =
  | "invalid"
  | "unprocessable"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "rate_limited"
  | "unavailable";
export type ErrorCode = keyof typeof ERRORS;

/** A refusal by the domain: the caller's mistake or a state that does not allow what was asked. */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: ErrorCode;
  /** Facts for logs and for clients that want them; never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message?: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message ?? ERRORS[code].message);
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return ERRORS[this.code].kind;
  }
}

export const isDomainError = (error: unknown, ...codes: ErrorCode[]): error is DomainError =>
  error instanceof DomainError && (codes.length === 0 || codes.includes(error.code));

/** The program cannot start as it is set up; `main.ts` prints the message as its one line and ends. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** A failure of the outside. Tasks repeat exactly the retryable ones; made by the connectors alone. */
export class ExternalSystemError extends Error {
  override readonly name = "ExternalSystemError";
  /** Which system failed, as a person knows it: its host, or a connection's name. */
  readonly system: string;
  readonly retryable: boolean;
  /** What the system asked us to wait, in milliseconds; null when it did not say. */
  readonly retryAfterMillis: number | null;
  /** The HTTP status that came back; null when none did. */
  readonly status: number | null;

  constructor(
    message: string,
    facts: {
      readonly system: string;
      readonly retryable: boolean;
      readonly status?: number | null;
      readonly retryAfterMillis?: number | null;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: facts.cause });
    this.system = facts.system;
    this.retryable = facts.retryable;
    this.status = facts.status ?? null;
    this.retryAfterMillis = facts.retryAfterMillis ?? null;
  }
}

/**
 * Our own database cannot be reached. Neither a refusal nor a failure of anybody's work: what it cut off is begun
 * again. Made by storage alone.
 */
export class DatabaseAwayError extends Error {
  override readonly name: string = "DatabaseAwayError";

  /** What a caller is told; why is for the log alone, for anybody may ask. */
  toRefusal(): DomainError {
    return new DomainError("UNAVAILABLE", "The database does not answer: try again shortly", {
      retryAfterSeconds: 2,
    });
  }
}

/** Our own database is there and has no room to write: it can be read, and takes changes once there is room. */
export class DatabaseFullError extends DatabaseAwayError {
  override readonly name = "DatabaseFullError";

  override toRefusal(): DomainError {
    return new DomainError("STORAGE_FULL", "The server's disk is full: nothing was changed");
  }
}

/** The words of any thrown thing. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
