/**
 * Thrown through a task's code to leave it until a moment or a signal comes. Not a failure: code that catches it
 * and goes on meets it again at its next step.
 */
export class Suspension extends Error {
  override readonly name = "Suspension";
  /** When to go on, epoch ms; null: when the signal comes. */
  readonly wakeAtMillis: number | null;
  /** The signal waited for; null for a sleep. */
  readonly signalName: string | null;

  constructor(until: { readonly wakeAtMillis: number } | { readonly signalName: string }) {
    super("The task waits; its run is left and begins again later");
    this.wakeAtMillis = "wakeAtMillis" in until ? until.wakeAtMillis : null;
    this.signalName = "signalName" in until ? until.signalName : null;
  }
}

export type AbortCause = "cancelled" | "lost" | "stopping";

const WORDS = {
  cancelled: "The task was cancelled",
  lost: "The lease of the task was lost",
  stopping: "The program stops; the task goes on later",
} as const satisfies Record<AbortCause, string>;

/** Why a run's signal was aborted: `signal.reason` of every run. */
export class RunAbortedError extends Error {
  override readonly name = "AbortError";
  readonly why: AbortCause;

  constructor(why: AbortCause) {
    super(WORDS[why]);
    this.why = why;
  }
}

/** Whether a run was aborted because its lease is lost: it has nothing to write any more. */
export const isLost = (signal: AbortSignal): boolean =>
  signal.reason instanceof RunAbortedError && signal.reason.why === "lost";
