/** How a run of a task ended. `lost`: its lease went to somebody else, and what it did last was not written. */
export type RunEnd = "done" | "suspended" | "interrupted" | "cancelled" | "repeated" | "failed" | "lost";

/** What goes on with tasks in this process, told to whoever counts it. */
export interface TaskWatch {
  /** A run has ended, and how long it took. */
  ran(kind: string, end: RunEnd, seconds: number): void;
  /** Tasks were made ready again whose process did not answer. */
  takenBack(count: number): void;
}

/** For whoever does not count. */
export const UNWATCHED: TaskWatch = { ran: () => {}, takenBack: () => {} };
