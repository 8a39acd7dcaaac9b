import type { RunState } from "../ci-provider.ts";
import type { GithubRun } from "./github-run.ts";

/** A state and what a person should know of it. */
export interface StateInWords {
  readonly state: RunState;
  readonly text: string;
}

const state = (name: RunState, text: string = ""): StateInWords => ({ state: name, text });

/** By GitHub's `status`, while a run has not ended. */
const STATUSES: Readonly<Record<string, StateInWords>> = {
  requested: state("queued"),
  queued: state("queued"),
  pending: state("queued", "waits for another run of its concurrency group"),
  waiting: state("queued", "waits on GitHub for the protection rules of its environment"),
  in_progress: state("running"),
};

/** By GitHub's `conclusion`. */
const CONCLUSIONS: Readonly<Record<string, StateInWords>> = {
  success: state("success"),
  neutral: state("success", "ended neither good nor bad"),
  failure: state("failure", "failed"),
  timed_out: state("failure", "took longer than it may"),
  cancelled: state("canceled", "was cancelled on GitHub"),
  startup_failure: state("error", "GitHub could not start it; the workflow file may be wrong"),
  stale: state("error", "GitHub gave it up: nothing was heard of it for too long"),
  skipped: state("error", "was skipped: no job of the workflow had to run"),
  // It goes on as soon as somebody approves.
  action_required: state("queued", "waits on GitHub for somebody to approve it"),
};

/** How GitHub's run is in our words. A status that nobody knew yet is no end; a conclusion of that kind is. */
export function stateOfRun({ status, conclusion }: Pick<GithubRun, "status" | "conclusion">): StateInWords {
  if (status === "completed")
    return CONCLUSIONS[conclusion ?? ""] ?? state("error", `ended with "${conclusion ?? ""}"`);
  return STATUSES[status ?? ""] ?? state("queued", `GitHub calls it "${status ?? ""}"`);
}
