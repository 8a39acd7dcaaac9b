import { valueOf, type WorkerLink } from "./embedded-link.ts";
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

interface QueuedJob {
  readonly job: WriteJob;
  readonly resolve: (outcome: JobOutcome) => void;
  readonly reject: (error: unknown) => void;
}

interface QueuedHolder {
  readonly job: null;
  readonly resolve: (held: HeldWriter) => void;
  readonly reject: (error: unknown) => void;
}

export function createWriter(link: WorkerLink): Writer {
  const queue: (QueuedJob | QueuedHolder)[] = [];
  let busy = false;
  let closed = false;

  const enqueue = (queued: QueuedJob | QueuedHolder): void => {
    if (closed) return queued.reject(closedError());
    queue.push(queued);
    next();
  };

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

  async function writeGroup(group: readonly QueuedJob[]): Promise<void> {
    try {
      const jobs = group.map(({ job }) => job);
      const outcomes = await link.call<readonly JobOutcome[]>({ kind: "write", jobs });
      for (const [index, { resolve }] of group.entries()) resolve(outcomes[index] ?? UNANSWERED);
    } catch (error) {
      for (const { reject } of group) reject(error);
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
    write: async (job) =>
      valueOf(await new Promise<JobOutcome>((resolve, reject) => enqueue({ job, resolve, reject }))),
    hold: () => new Promise((resolve, reject) => enqueue({ job: null, resolve, reject })),
    close: () => {
      closed = true;
      for (const { reject } of queue.splice(0)) reject(closedError());
    },
  };
}

const UNANSWERED: JobOutcome = {
  failure: { message: "The database worker left a write unanswered", code: null },
};
const closedError = (): Error => new Error("The database is closed");

/** The jobs at the head of the queue, up to the next caller who wants the writer for itself. */
function takeGroup(queue: (QueuedJob | QueuedHolder)[]): readonly QueuedJob[] {
  const group: QueuedJob[] = [];
  for (let first = queue[0]; first?.job && group.length < GROUP_LIMIT; first = queue[0]) {
    group.push(first);
    queue.shift();
  }
  return group;
}
