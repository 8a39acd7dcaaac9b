import type { GitRefs } from "./bare-repository.ts";

/** A workflow file of a repository. */
export interface Workflow {
  readonly id: number;
  readonly name: string;
  /** Such as `deploy.yml`. */
  readonly file: string;
  state: "active" | "disabled_manually";
  /** What `workflow_dispatch` declares; null: the workflow has no such trigger. */
  readonly inputs: Readonly<Record<string, { readonly required?: boolean }>> | null;
  /** What `run-name` makes of the inputs; the workflow's name when there is none. */
  readonly runName: ((inputs: Readonly<Record<string, string>>) => string) | null;
}

/** A repository of GitHub's. */
export interface Repository {
  readonly id: number;
  fullName: string;
  readonly isPublic: boolean;
  readonly git: GitRefs;
  readonly workflows: Workflow[];
  /** Names that it had before. */
  readonly oldNames: Set<string>;
}

/** A job of a run, with those of its steps that matter. */
export interface Job {
  readonly name: string;
  readonly conclusion: string | null;
  readonly steps?: readonly { readonly name: string; readonly conclusion: string | null }[];
}

/** A run of a workflow; a test moves it. */
export interface Run {
  readonly id: number;
  readonly number: number;
  readonly repository: Repository;
  readonly workflow: Workflow;
  readonly event: string;
  readonly branch: string;
  readonly sha: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly title: string;
  status: string;
  conclusion: string | null;
  attempt: number;
  readonly createdAt: Date;
  startedAt: Date;
  updatedAt: Date;
  jobs: readonly Job[];
  /** Cancelling it has no effect; forcing has. */
  stubborn: boolean;
}

/** What a token may do, by repository. */
export type Access = Readonly<Record<string, "read" | "write">>;

/** All that GitHub knows at a moment. */
export interface World {
  /** `http://127.0.0.1:port`. */
  readonly base: string;
  now(): Date;
  readonly repositories: Repository[];
  readonly runs: Run[];
  readonly tokens: Map<string, Access>;
  /** How a dispatch is answered: with its run when asked for, without, or by refusing the question as older servers do. */
  dispatchAnswer: "details" | "empty" | "refuse_field";
  /** For how long lists do not show a new run, in milliseconds. */
  appearanceMillis: number;
  /** Called when a dispatch has been accepted, before its run is made; and when it is there, before the answer. */
  readonly hooks: {
    beforeDispatch?: ((inputs: Readonly<Record<string, string>>) => unknown) | undefined;
    onDispatch?: ((run: Run) => unknown) | undefined;
  };
  /** Tells that a run was requested, began or ended. */
  tell(action: RunAction, run: Run): void;
}

/** The actions of the event `workflow_run`. */
export type RunAction = "requested" | "in_progress" | "completed";

/** The repository of this name, or of this name in former times. */
export const repositoryOf = (world: World, name: string): Repository | undefined =>
  world.repositories.find(
    ({ fullName, oldNames }) =>
      fullName.toLowerCase() === name.toLowerCase() || oldNames.has(name.toLowerCase()),
  );
