import type { Dialect, Kysely } from "kysely";
import type { Statement, StatementResult } from "./embedded-protocol.ts";
import type { AdapterWithFacts } from "./engine.ts";

/** Wakes whoever listens on a channel, in this process and, where the engine can, in others. */
export interface WakeUps {
  readonly send: (channel: string) => void;
  readonly listen: (channel: string, wake: () => void) => () => void;
}

/** What an engine does beyond single statements. */
export interface EngineServices {
  /**
   * Runs the statements in one transaction of their own, in one hop.
   * Guarded: when the first writes no row, nothing is written and the answer is null.
   */
  readonly batch: (
    statements: readonly Statement[],
    guard: number | null,
  ) => Promise<readonly StatementResult[] | null>;
  readonly wakeUps: WakeUps;
  /** Writes a consistent copy to an empty file; null where the engine has tools of its own for that. */
  readonly backUp: ((file: string) => Promise<void>) | null;
  /** The command line of those tools, without a password. */
  readonly backUpElsewhere: string | null;
}

/** An engine that is open, and how to end it. */
export interface OpenEngine {
  readonly dialect: Dialect;
  readonly close: () => Promise<void>;
}

export interface AdapterWithServices extends AdapterWithFacts {
  readonly services: EngineServices;
}

/** The services of the engine behind this database or transaction. */
export function servicesOf(db: Pick<Kysely<unknown>, "getExecutor">): EngineServices {
  const adapter = db.getExecutor().adapter as Partial<AdapterWithServices>;
  if (!adapter.services) throw new Error("this database was not opened by storage/database.ts");
  return adapter.services;
}
