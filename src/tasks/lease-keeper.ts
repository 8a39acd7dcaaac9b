import type { Logger } from "pino";
import type { Database } from "../storage/database.ts";
import { type AbortCause, isLost } from "./interruption.ts";
import { type Lease, type RenewedLease, renewLeases } from "./lease-store.ts";
import type { OneAtATime } from "./one-at-a-time.ts";

/** A run whose lease is to be kept. */
export interface KeptRun {
  readonly lease: Lease;
  /** When the lease was surely good, by `performance.now()`. */
  renewedAt: number;
  readonly signal: AbortSignal;
  abort(cause: AbortCause): void;
}

/** Keeps the leases of a process. */
export interface LeaseKeeper {
  /** Renews all leases now, or waits for the renewal under way. Never rejects. */
  renew(): Promise<void>;
  stop(): void;
}

/**
 * Renews the leases of all runs of this process in one statement, at a third of the lease. Aborts a run whose task
 * is cancelled or belongs to somebody else, and one whose lease has passed while the database does not answer.
 * A lease that has passed unnoticed, in a frozen process say, is good again when nobody took the task meanwhile.
 */
export function keepLeases(options: {
  readonly db: Database;
  readonly owner: string;
  readonly leaseMillis: number;
  readonly runs: ReadonlySet<KeptRun>;
  readonly log: Logger;
  /** Keeps the renewal apart from other statements that lock several of the rows. */
  readonly alone: OneAtATime;
}): LeaseKeeper {
  const { db, owner, leaseMillis, runs, log, alone } = options;
  let underWay: Promise<void> | null = null;

  const abortExpired = (): void => {
    for (const run of runs) if (performance.now() - run.renewedAt > leaseMillis) run.abort("lost");
  };

  async function renewAll(): Promise<void> {
    const asked = [...runs].filter((run) => !isLost(run.signal));
    if (asked.length === 0) return;
    const startedAt = performance.now();
    try {
      const ids = asked.map((run) => run.lease.taskId);
      take(asked, await alone(() => renewLeases(db, owner, leaseMillis, ids)), startedAt);
    } catch (error) {
      log.warn({ err: error }, "the leases of running tasks could not be renewed");
      abortExpired();
    }
  }

  const renew = (): Promise<void> =>
    (underWay ??= renewAll().finally(() => {
      underWay = null;
    }));
  const timer = setInterval(() => {
    if (underWay) abortExpired();
    else void renew();
  }, leaseMillis / 3);
  return { renew, stop: () => clearInterval(timer) };
}

/** Tells each run what became of its lease. */
function take(asked: readonly KeptRun[], renewed: readonly RenewedLease[], startedAt: number): void {
  const byId = new Map(renewed.map((lease) => [lease.taskId, lease]));
  for (const run of asked) {
    const lease = byId.get(run.lease.taskId);
    if (lease?.fence !== run.lease.fence) run.abort("lost");
    else {
      run.renewedAt = startedAt;
      if (lease.cancelRequested) run.abort("cancelled");
    }
  }
}
