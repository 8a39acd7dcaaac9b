/** One SQL statement with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * Throws an Error for a parameter that SQLite cannot hold. Checked before it is sent to another thread:
 * there it would take the other statements of its group with it.
 */
export function refuseOddParameters({ parameters }: Statement): void {
  for (const [index, parameter] of parameters.entries())
    if (!isStorable(parameter))
      throw new TypeError(
        `Parameter ${index + 1} cannot be stored: it is ${parameter === undefined ? "undefined" : `a ${typeof parameter}`}`,
      );
}

const isStorable = (parameter: unknown): boolean =>
  parameter === null ||
  typeof parameter === "string" ||
  typeof parameter === "bigint" ||
  Number.isFinite(parameter) ||
  parameter instanceof Uint8Array;

/** What a statement gave: its rows, and how many rows it wrote (null for one that only reads). */
export interface StatementResult {
  readonly rows: readonly unknown[];
  readonly written: number | null;
}

/**
 * Statements that are written together or not at all.
 * `guard`: the place of a statement that must write a row; when it writes none, nothing is written and the
 * outcome is null.
 */
export interface WriteJob {
  readonly statements: readonly Statement[];
  readonly guard: number | null;
}

/** An error's words and code, which survive the way between threads. */
export interface Failure {
  readonly message: string;
  readonly code: string | null;
}

export type Outcome<Value> = { readonly value: Value } | { readonly failure: Failure };

/** What the main thread asks of a database worker; each reply carries the request's id. Both travel as arrays. */
export type WorkerRequest =
  | { readonly id: number; readonly kind: "run"; readonly statement: Statement }
  | { readonly id: number; readonly kind: "write"; readonly job: WriteJob }
  /** A statement of the transaction of whoever holds the writer; the first one begins it. */
  | {
      readonly id: number;
      readonly kind: "inside";
      readonly statement: Statement;
      readonly begins: boolean;
    }
  /** One that fails undoes the transaction: what comes next finds the writer free. */
  | { readonly id: number; readonly kind: "commit" }
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
