import type * as z from "zod";
import type { Database } from "../storage/database.ts";

/** What a running task may ask of the engine. */
export interface TaskRun {
  readonly id: string;
  /** 1 at the first run, one more after each failure that is repeated. */
  readonly attempt: number;
  /** Aborted when the task is cancelled, its lease is lost, or the program stops. */
  readonly signal: AbortSignal;
  /**
   * Runs `work` unless a step of this name is done; then returns what it returned (kept as JSON).
   * Steps are at least once: an effect on the outside carries an idempotency key or is looked up first.
   * `commit` runs in the very transaction that marks the step done.
   */
  step<T>(
    name: string,
    work: () => Promise<T>,
    commit?: (db: Database, result: T) => Promise<void>,
  ): Promise<T>;
  /** Runs `work` in a transaction that fails when this run's lease is lost. */
  transaction<T>(work: (db: Database) => Promise<T>): Promise<T>;
  /** Goes on at this moment; costs no memory meanwhile. */
  sleepUntil(name: string, at: Date): Promise<void>;
  /** Goes on when somebody signals this name, with what they sent; costs no memory meanwhile. */
  waitFor(name: string): Promise<unknown>;
  /** The last one wins; written at most once a second. */
  progress(value: unknown): void;
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
  run(ctx: Ctx, payload: Payload, task: TaskRun): Promise<void>;
  /** Called in the transaction that ends the task otherwise than by success. */
  readonly onEnd?: (
    ctx: Ctx,
    payload: Payload,
    end: { readonly state: "failed" | "cancelled"; readonly error: string },
  ) => Promise<void>;
}

export const defineTask = <Payload, Ctx>(kind: TaskKind<Payload, Ctx>): TaskKind<Payload, Ctx> => kind;

/** What a caller needs to know of a task to ask for it. */
export interface TaskRequest {
  readonly kind: string;
  readonly version: number;
  readonly payload: unknown;
  /** At most one task of a key is under way; asking again while it is returns that one. */
  readonly key?: string;
  readonly runAt?: Date;
}
