import type { Generated } from "kysely";

/** The rows of environments, deployments and what carries them out, in the terms of `tables.ts`. */
export interface DeploymentTables {
  workflows: WorkflowRow;
  workflow_runs: WorkflowRunRow;
  environments: EnvironmentRow;
  freezes: FreezeRow;
  release_candidates: ReleaseCandidateRow;
  deployments: DeploymentRow;
  deployment_statuses: DeploymentStatusRow;
  bad_marks: BadMarkRow;
  holds: HoldRow;
}

/** What carries out builds and deployments of a project: a program of the operator's, or a workflow of a CI system. */
interface WorkflowRow {
  id: string;
  project_id: string;
  name: string;
  /** command · github */
  provider: string;
  connection_id: string | null;
  /** `org/name`; null: the project's own. */
  repository: string | null;
  /** The provider's name for it: a file, or a program. */
  target: string;
  ref: string | null;
  parameters_json: string;
  /** Whether a run of it was seen to show our id: only then does a look that finds none prove that there is none. */
  shows_ids: number;
  created_at: number;
  updated_at: number;
}

interface EnvironmentRow {
  id: string;
  project_id: string;
  name: string;
  tier: string;
  position: number;
  workflow_id: string | null;
  /** queue · reject · supersede */
  concurrency: string;
  promotion_from_id: string | null;
  auto_deploy: number;
  time_limit_minutes: number;
  redeploy_after_minutes: number;
  /** The number of its newest deployment, counted without gaps; 0: none. */
  last_deployment: number;
  /** The newest deployment that succeeded, by its number over all. */
  current_deployment: number | null;
  created_at: number;
  updated_at: number;
}

interface FreezeRow {
  id: string;
  name: string;
  /** everything · project · tier · environment */
  level: string;
  project_id: string | null;
  tier: string | null;
  environment_id: string | null;
  effect: string;
  schedule_json: string;
  reason: string;
  owner_name: string;
  created_by: string;
  created_at: number;
  expires_at: number | null;
  bypass: string | null;
  origin: string;
  lifted_at: number | null;
  lifted_by: string | null;
}

/** A numbered build of a release from one commit. */
interface ReleaseCandidateRow {
  /** What CI systems are told: counted up by the database. */
  cut_id: Generated<number>;
  id: string;
  release_id: string;
  project_id: string;
  /** `<release version>-rc<number>` */
  version: string;
  number: number;
  commit_sha: string;
  build_status: string;
  build_error: string;
  created_by: string;
  created_by_user_id: string | null;
  created_at: number;
}

/** One attempt to make an environment run something. Never deleted. */
interface DeploymentRow {
  /** Its id on Aviator's wire: counted up by the database. */
  number: Generated<number>;
  id: string;
  project_id: string;
  environment_id: string;
  /** Counted without gaps under the lock of the environment's row. */
  environment_number: number;
  release_id: string;
  /** Null: a release without candidates. */
  candidate_id: string | null;
  /** What the release contained; null: nothing. */
  content_id: string | null;
  release_version: string;
  version: string;
  /** deploy · rollback */
  kind: string;
  /** request · report · automatic */
  origin: string;
  /** We start it; otherwise somebody else carries it out and reports. */
  ours: number;
  status: string;
  /** A start intent or a report that it runs exists. */
  started: number;
  /** Why a pending one does not start, in words; empty when it does. */
  waits_for: string;
  error: string | null;
  from_release_version: string | null;
  from_version: string | null;
  /** The deployment that a rollback leaves, by number. */
  leaves_number: number | null;
  actor_name: string;
  actor_user_id: string | null;
  /** Gates that are passed although closed, as a JSON array. */
  forced_json: string;
  force_reason: string | null;
  requested_at: number;
  started_at: number | null;
  ended_at: number | null;
}

/** Every status that was accepted, in order. */
interface DeploymentStatusRow {
  deployment_number: number;
  position: number;
  status: string;
  /** headgate · report · run */
  source: string;
  actor_name: string;
  message: string;
  at: number;
}

/** The ledger of what was started outside: one row for each attempt, written before anything is sent. */
interface WorkflowRunRow {
  id: string;
  project_id: string;
  workflow_id: string;
  /** build · deploy */
  purpose: string;
  deployment_number: number | null;
  candidate_id: string | null;
  attempt: number;
  state: string;
  /** What it was started with, for the workflow may change meanwhile. */
  provider: string;
  connection_id: string | null;
  repository: string | null;
  target: string;
  ref: string | null;
  inputs_json: string;
  /** The provider's id of the run; null until it is known. */
  provider_run: string | null;
  /** A callback named it, and it was not looked at yet. */
  provisional: number;
  provider_attempt: number;
  url: string | null;
  message: string;
  /** How often it was looked at. */
  looks: number;
  task_id: string;
  intended_at: number;
  sent_at: number | null;
  started_at: number | null;
  ended_at: number | null;
  /** The last sign of life. */
  seen_at: number;
  cancel_asked_at: number | null;
  cancel_sent_at: number | null;
  force_sent_at: number | null;
}

/** Somebody said that a version must not be deployed. */
interface BadMarkRow {
  id: string;
  project_id: string;
  version: string;
  reason: string;
  created_by: string;
  created_at: number;
  lifted_by: string | null;
  lifted_at: number | null;
}

/** Keeps automation from deploying again what an environment was rolled back from. */
interface HoldRow {
  id: string;
  project_id: string;
  environment_id: string;
  version: string;
  reason: string;
  created_by: string;
  created_at: number;
  lifted_by: string | null;
  lifted_at: number | null;
}
