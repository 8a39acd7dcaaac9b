import type { Job, Repository, Run, RunAction, Workflow, World } from "./world.ts";

/** How a test moves runs. */
export interface RunLife {
  /** Its status while it has not begun: `queued`, `waiting`, `pending`, `requested`. */
  hold(run: Run, status: string): void;
  begin(run: Run): void;
  /** Without jobs given: one, that ended alike. */
  complete(run: Run, conclusion: string, jobs?: readonly Job[]): void;
  /** A person starts it again: same number, next attempt. */
  rerun(run: Run): void;
  /** A newer run of its concurrency group takes its place in the queue: cancelled, and without any job. */
  evict(run: Run): void;
}

/** What a new run is made of. */
export interface NewRun {
  readonly repository: Repository;
  readonly workflow: Workflow;
  readonly branch: string;
  readonly sha: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly event?: string;
}

/** Makes a run, queued. */
export function addRun(world: World, { repository, workflow, branch, sha, inputs, event }: NewRun): Run {
  const number = world.runs.filter((run) => run.workflow === workflow).length + 1;
  const now = world.now();
  const run: Run = {
    id: 30_433_642 + world.runs.length,
    number,
    repository,
    workflow,
    event: event ?? "workflow_dispatch",
    branch,
    sha,
    inputs,
    title: workflow.runName?.(inputs) ?? workflow.name,
    status: "queued",
    conclusion: null,
    attempt: 1,
    createdAt: now,
    startedAt: now,
    updatedAt: now,
    jobs: [],
    stubborn: false,
  };
  world.runs.push(run);
  world.tell("requested", run);
  return run;
}

/** Ends a run. */
export function endRun(world: World, run: Run, conclusion: string, jobs: readonly Job[]): void {
  Object.assign(run, { status: "completed", conclusion, jobs, updatedAt: world.now() });
  world.tell("completed", run);
}

/** The moves of this world's runs. */
export function runLife(world: World): RunLife {
  const move = (run: Run, status: string, action: RunAction | null): void => {
    Object.assign(run, { status, conclusion: null, updatedAt: world.now() });
    if (action) world.tell(action, run);
  };
  return {
    hold: (run, status) => move(run, status, null),
    begin: (run) => {
      Object.assign(run, { startedAt: world.now(), jobs: [{ name: "deploy", conclusion: null }] });
      move(run, "in_progress", "in_progress");
    },
    complete: (run, conclusion, jobs = [{ name: "deploy", conclusion }]) =>
      endRun(world, run, conclusion, jobs),
    rerun: (run) => {
      Object.assign(run, { attempt: run.attempt + 1, startedAt: world.now(), jobs: [] });
      move(run, "queued", "requested");
    },
    evict: (run) => endRun(world, run, "cancelled", []),
  };
}
