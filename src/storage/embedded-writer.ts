import { EmbeddedError, type WorkerLink } from "./embedded-link.ts";
import type { JobOutcome, Statement, StatementResult, WriteJob } from "./embedded-protocol.ts";

/** Most jobs in one commit; bounds how long the first of them waits for the last. */
const GROUP_LIMIT = 500;

/** The writer for the length of one transaction; the others queue behind until `release`. */
export interface HeldWriter {
  readonly run: (statement: Statement) => Promise<StatementResult>;
  readonly rollback: () => Promise<void>;
  readonly release: () => void;
}

/** The one writer: jobs that queue while it is busy share the next commit, in the order in which they came. */
export interface Writer {
  readonly write: (job: WriteJob) => Promise<readonly StatementResult[] | null>;
  readonly hold: () => Promise<HeldWriter>;
  /** Refuses what has not begun; what runs ends as it would. */
  readonly close: () => void;
}

interface Queued {
  /** Null for a caller who wants to hold the writer. */
  readonly job: WriteJob | null;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export function createWriter(link: WorkerLink): Writer {
  const queue: Queued[] = [];
  let busy = false;
  let closed = false;

  const enqueue = <Value>(job: WriteJob | null): Promise<Value> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new Error("The database is closed"));
      queue.push({ job, resolve: resolve as (value: unknown) => void, reject });
      next();
    });

  const free = (): void => {
    busy = false;
    next();
  };

  function next(): void {
    const first = queue[0];
    if (busy || !first) return;
    busy = true;
    if (first.job) void writeGroup(takeGroup(queue)).finally(free);
    else {
      queue.shift();
      first.resolve(held());
    }
  }

  async function writeGroup(group: readonly Queued[]): Promise<void> {
    try {
      const jobs = group.map(({ job }) => job);
      const outcomes = await link.call<readonly JobOutcome[]>({
        kind: "write",
        jobs: jobs.filter((job) => job !== null),
      });
      group.forEach((each, index) => settle(each, outcomes[index]));
    } catch (error) {
      for (const each of group) each.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  function held(): HeldWriter {
    let released = false;
    return {
      run: (statement) => link.call({ kind: "run", statement }),
      rollback: () => link.call({ kind: "rollback" }),
      release: () => {
        if (released) return;
        released = true;
        free();
      },
    };
  }

  return {
    write: (job) => enqueue(job),
    hold: () => enqueue(null),
    close: () => {
      closed = true;
      for (const each of queue.splice(0)) each.reject(new Error("The database is closed"));
    },
  };
}

/** The jobs at the head of the queue, up to the next caller who wants the writer for itself. */
function takeGroup(queue: Queued[]): readonly Queued[] {
  const end = queue.findIndex(({ job }) => job === null);
  return queue.splice(0, Math.min(end < 0 ? queue.length : end, GROUP_LIMIT));
}

function settle(queued: Queued, outcome: JobOutcome | undefined): void {
  if (!outcome) queued.reject(new Error("The database worker left a statement without an answer"));
  else if ("failure" in outcome) queued.reject(new EmbeddedError(outcome.failure));
  else queued.resolve(outcome.value);
}
