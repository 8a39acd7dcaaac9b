import type { Database } from "../storage/database.ts";
import type { Lease } from "./lease-store.ts";
import type { OneAtATime } from "./one-at-a-time.ts";
import { endDone, LeaseLostError } from "./run-store.ts";

/** Tasks ended by one statement, at most. */
const BATCH = 500;

/** Ends a task as done. Rejects with LeaseLostError, or with what the database threw. */
export type DoneWriter = (lease: Lease) => Promise<void>;

interface Waiting {
  readonly lease: Lease;
  readonly ended: PromiseWithResolvers<void>;
}

/**
 * Ends that come while one is being written are written together, in one statement: many small tasks end at once.
 * `alone` keeps it apart from the renewal of leases, which locks the same rows, in another order perhaps.
 */
export function doneWriter(db: Database, alone: OneAtATime): DoneWriter {
  const waiting: Waiting[] = [];
  let writing = false;

  async function writeAll(): Promise<void> {
    writing = true;
    while (waiting.length > 0) await alone(() => writeBatch(db, waiting.splice(0, BATCH)));
    writing = false;
  }

  return (lease) => {
    const ended = Promise.withResolvers<void>();
    waiting.push({ lease, ended });
    if (!writing) void writeAll();
    return ended.promise;
  };
}

async function writeBatch(db: Database, batch: readonly Waiting[]): Promise<void> {
  try {
    const fences = await endDone(
      db,
      batch.map(({ lease }) => lease),
    );
    for (const { lease, ended } of batch)
      if (fences.get(lease.taskId) === lease.fence) ended.resolve();
      else ended.reject(new LeaseLostError(lease));
  } catch (error) {
    for (const { ended } of batch) ended.reject(error);
  }
}
