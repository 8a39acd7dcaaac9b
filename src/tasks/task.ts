import type { Compilable } from "kysely";
import type * as z from "zod";
import type { Database } from "../storage/database.ts";

/** What a running task may ask of the engine. */
export interface TaskRun {
  readonly id: string;
  /** 1 at the first run, one more after each failure that is repeated. */
  readonly attempt: number;
  /**
   * Aborted when the task is cancelled, its lease is lost, or the program stops. Code that catches errors
   * to go on must first call `signal.throwIfAborted()`: a run that returns after all counts as done.
   */
  readonly signal: AbortSignal;
  /**
   * Runs `work` unless a step of this name is done; then returns what it returned (kept as JSON, also at first).
   * Steps are at least once: an effect on the outside carries an idempotency key or is looked up first.
   * `commit` runs in the very transaction that marks the step done. Steps of one run may run in parallel;
   * a name is used once in a run.
   */
  step<T>(
    name: string,
    work: () => Promise<T>,
    commit?: (db: Database, result: T) => Promise<void>,
  ): Promise<T>;
  /**
   * For steps of which a run has many: like `step`, but what is committed with them are statements, made for all steps
   * that ended at about the same time, in one hop and one commit.
   */
  manySteps<T>(
    writes: (db: Database, results: readonly T[]) => readonly Compilable[],
  ): (name: string, work: () => Promise<T>) => Promise<T>;
  /** Runs `work` in a transaction that fails when this run's lease is lost. */
  transaction<T>(work: (db: Database) => Promise<T>): Promise<T>;
  /**
   * Goes on at this moment; costs no memory meanwhile: the run is left by a thrown `Suspension` and begins
   * again later. The moment given the first time under this name stays, so `now + 3 days` may be computed anew.
   */
  sleepUntil(name: string, at: Date): Promise<void>;
  /**
   * Leaves the run and begins again from its start after so many milliseconds, whatever the clock of this process says. Nothing is
   * logged, so it may be done without end: for tasks whose state is in rows of their own.
   */
  beginAgainIn(millis: number): Promise<never>;
  /** Goes on when somebody signals this name, with what they sent first; costs no memory meanwhile, as above. */
  waitFor(name: string): Promise<unknown>;
  /** The last one wins; written at most once a second. */
  progress(value: unknown): void;
}

/** How a task ended when not by success. */
export interface TaskEnd {
  readonly state: "failed" | "cancelled";
  readonly error: string;
}

/** A kind of durable work. `run` may begin again after a crash; finished steps are not repeated. */
export interface TaskKind<Payload, Ctx> {
  readonly name: string;
  /** Grows when payload or steps change; a task of another version stays ready and shows in the metrics. */
  readonly version: number;
  readonly payload: z.ZodType<Payload>;
  readonly maxAttempts: number;
  /** How many of this kind one process runs at a time. */
  readonly concurrency: number;
  /** A recurring kind: one task of it always exists, and begins again this long after it ended. */
  readonly everyMillis?: number;
  run(ctx: Ctx, payload: Payload, task: TaskRun): Promise<void>;
  /**
   * Called in the transaction that ends the task otherwise than by success; when it throws, the end is tried
   * again later. Not called for a payload that the schema refuses, nor for recurring kinds.
   */
  onEnd?(ctx: Ctx, payload: Payload, end: TaskEnd): Promise<void>;
}

/** Types a kind from its parts. */
export const defineTask = <Payload, Ctx>(kind: TaskKind<Payload, Ctx>): TaskKind<Payload, Ctx> => kind;

/** What a caller needs to know of a task to ask for it. */
export interface TaskRequest {
  readonly kind: string;
  readonly version: number;
  readonly payload: unknown;
  /** At most one task of a key is under way; asking again while it is returns that one. */
  readonly key?: string;
  /** Not before this moment; at once when missing. */
  readonly runAt?: Date;
}
