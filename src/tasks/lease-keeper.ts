import type { Logger } from "pino";
import type { Database } from "../storage/database.ts";
import { type AbortCause, isLost } from "./interruption.ts";
import { type Lease, renewLeases } from "./lease-store.ts";
import type { OneAtATime } from "./one-at-a-time.ts";

/** A run whose lease is to be kept. */
export interface KeptRun {
  readonly lease: Lease;
  /** When the lease was surely good, by `performance.now()`. */
  renewedAt: number;
  readonly signal: AbortSignal;
  abort(cause: AbortCause): void;
}

/**
 * Renews the leases of all runs of this process in one statement, at a third of the lease. Aborts a run whose
 * lease is lost, was not renewed in time (a frozen process, a database out of reach), or whose task is cancelled.
 */
export function keepLeases(options: {
  readonly db: Database;
  readonly owner: string;
  readonly leaseMillis: number;
  readonly runs: ReadonlySet<KeptRun>;
  readonly log: Logger;
  /** Keeps the renewal apart from other statements that lock several of the rows. */
  readonly alone: OneAtATime;
}): { stop(): void } {
  const { db, owner, leaseMillis, runs, log, alone } = options;
  let renewing = false;

  async function renew(): Promise<void> {
    for (const run of runs) if (performance.now() - run.renewedAt > leaseMillis) run.abort("lost");
    const kept = [...runs].filter((run) => !isLost(run.signal));
    if (renewing || kept.length === 0) return;
    renewing = true;
    try {
      await renewAll(kept);
    } catch (error) {
      log.warn({ err: error }, "the leases of running tasks could not be renewed");
    } finally {
      renewing = false;
    }
  }

  async function renewAll(asked: readonly KeptRun[]): Promise<void> {
    const startedAt = performance.now();
    const ids = asked.map((run) => run.lease.taskId);
    const renewed = await alone(() => renewLeases(db, owner, leaseMillis, ids));
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

  const timer = setInterval(() => void renew(), leaseMillis / 3);
  return { stop: () => clearInterval(timer) };
}
