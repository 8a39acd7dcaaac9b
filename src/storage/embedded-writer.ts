import { valueOf, type WorkerLink } from "./embedded-link.ts";
import type { Statement, StatementResult, WriteJob } from "./embedded-protocol.ts";

/** The writer for the length of one transaction, which its first statement begins. */
export interface HeldWriter {
  readonly run: (statement: Statement) => Promise<StatementResult>;
  /** Whoever queues behind need not wait for the commit to be told: their requests come after it in any case. */
  readonly commit: () => Promise<void>;
  readonly rollback: () => Promise<void>;
  /** Lets the others go on; not needed after a commit. */
  readonly release: () => void;
}

/** The one writer, which works in the order in which it is asked. Jobs that come while it is busy share a commit. */
export interface Writer {
  readonly write: (job: WriteJob) => Promise<readonly StatementResult[] | null>;
  readonly hold: () => Promise<HeldWriter>;
  /** Refuses what has not begun; what runs ends as it would. */
  readonly close: () => void;
}

interface Queued {
  /** Whether it keeps the writer until it releases it. */
  readonly holds: boolean;
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
}

export function createWriter(link: WorkerLink): Writer {
  const queue: Queued[] = [];
  let isHeld = false;
  let closed = false;

  function begin(queued: Queued): void {
    isHeld = queued.holds;
    queued.begin();
  }

  /** Does `work` at once, or when nobody holds the writer any more. */
  const inTurn = <T>(holds: boolean, work: () => T | Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const queued = { holds, begin: () => resolve(work()), refuse: reject };
      if (closed) reject(closedError());
      else if (isHeld) queue.push(queued);
      else begin(queued);
    });

  function free(): void {
    isHeld = false;
    for (let next = queue.shift(); next; next = isHeld ? undefined : queue.shift()) begin(next);
  }

  function held(): HeldWriter {
    let begun = false;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      free();
    };
    return {
      run: (statement) => {
        const begins = !begun;
        begun = true;
        return link.call({ kind: "inside", statement, begins });
      },
      commit: async () => {
        const committed = begun ? link.call<void>({ kind: "commit" }) : null;
        release();
        await committed;
      },
      // After a commit, one that failed too, the open transaction may be somebody else's.
      rollback: async () => (released ? undefined : link.call({ kind: "rollback" })),
      release,
    };
  }

  return {
    write: async (job) => valueOf(await inTurn(false, () => link.ask({ kind: "write", job }))),
    hold: () => inTurn(true, held),
    close: () => {
      closed = true;
      for (const { refuse } of queue.splice(0)) refuse(closedError());
    },
  };
}

const closedError = (): Error => new Error("The database is closed");
