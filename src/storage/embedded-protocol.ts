/** One SQL statement with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** What a statement gave: its rows, and how many rows it wrote (null for one that only reads). */
export interface StatementResult {
  readonly rows: readonly unknown[];
  readonly written: number | null;
}

/**
 * Statements that are written together or not at all.
 * Guarded: when the first one writes no row the others do not run, and the outcome is null.
 */
export interface WriteJob {
  readonly statements: readonly Statement[];
  readonly guarded: boolean;
}

/** An error's words and code, which survive the way between threads. */
export interface Failure {
  readonly message: string;
  readonly code: string | null;
}

export type Outcome<Value> = { readonly value: Value } | { readonly failure: Failure };

/** What the main thread asks of a database worker; each reply carries the request's id. */
export type WorkerRequest =
  | { readonly id: number; readonly kind: "run"; readonly statement: Statement }
  | { readonly id: number; readonly kind: "write"; readonly jobs: readonly WriteJob[] }
  | { readonly id: number; readonly kind: "rollback" }
  | { readonly id: number; readonly kind: "close" };

export interface WorkerReply {
  readonly id: number;
  readonly outcome: Outcome<unknown>;
}

/** What one write job of a group came to. */
export type JobOutcome = Outcome<readonly StatementResult[] | null>;

/** What a worker is started with; the one writer also owns the directory's lock. */
export interface WorkerRole {
  readonly role: "writer" | "reader";
  readonly directory: string;
}

/** The request id under which a worker says that it is ready, or why it never will be. */
export const READY = 0;

export const failureOf = (error: unknown): Failure => ({
  message: error instanceof Error ? error.message : String(error),
  code: error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null,
});
