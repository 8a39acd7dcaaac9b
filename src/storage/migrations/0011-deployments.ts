import type { Migration } from "../migration.ts";

/** Candidates of releases, their deployments, what closes the way to them, and the runs that carry them out. */
export const deployments: Migration = {
  name: "0011-deployments",
  statements: [
    `alter table releases add column commit_sha text`,
    `create table release_candidates (
      cut_id {serial}, id text not null unique, release_id text not null references releases (id),
      project_id text not null references projects (id), version text not null, number bigint not null,
      commit_sha text not null, build_status text not null, build_error text not null, created_by text not null,
      created_by_user_id text, created_at bigint not null, unique (release_id, number), unique (project_id, version))`,
    `create index release_candidates_by_age on release_candidates (project_id, cut_id desc)`,

    `create table deployments (
      number {serial}, id text not null unique, project_id text not null references projects (id),
      environment_id text not null references environments (id), environment_number bigint not null,
      release_id text not null references releases (id), candidate_id text, content_id text,
      release_version text not null, version text not null, kind text not null, origin text not null,
      ours integer not null, status text not null, started integer not null, waits_for text not null, error text,
      from_release_version text, from_version text, leaves_number bigint,
      actor_name text not null, actor_user_id text, forced_json text not null, force_reason text,
      requested_at bigint not null, started_at bigint, ended_at bigint,
      unique (environment_id, environment_number))`,
    `create index deployments_by_version on deployments (environment_id, version, environment_number desc)`,
    `create index deployments_by_status on deployments (environment_id, status, environment_number desc)`,
    `create index deployments_active on deployments (environment_id, environment_number)
      where status in ('pending', 'in_progress', 'canceling', 'unknown')`,
    `create index deployments_by_release on deployments (release_id, number)`,
    `create table deployment_statuses (
      deployment_number bigint not null references deployments (number), position integer not null,
      status text not null, source text not null, actor_name text not null, message text not null, at bigint not null,
      primary key (deployment_number, position))`,

    `create table workflow_runs (
      id text primary key, project_id text not null references projects (id),
      workflow_id text not null references workflows (id), purpose text not null, deployment_number bigint,
      candidate_id text, attempt integer not null, state text not null, provider text not null, connection_id text,
      repository text, target text not null, ref text, inputs_json text not null, provider_run text,
      provisional integer not null, provider_attempt integer not null, url text, message text not null,
      looks integer not null, task_id text not null, intended_at bigint not null,
      sent_at bigint, started_at bigint, ended_at bigint, seen_at bigint not null, cancel_asked_at bigint,
      cancel_sent_at bigint, force_sent_at bigint)`,
    `create index workflow_runs_of_deployment on workflow_runs (deployment_number, attempt)
      where deployment_number is not null`,
    `create index workflow_runs_of_candidate on workflow_runs (candidate_id, attempt) where candidate_id is not null`,
    // A run of the provider belongs to one of ours.
    `create unique index workflow_runs_linked on workflow_runs (provider, connection_id, lower(repository), provider_run)
      where provider_run is not null and provisional = 0`,
    `create index workflow_runs_by_workflow on workflow_runs (workflow_id, intended_at)`,

    `create table bad_marks (
      id text primary key, project_id text not null references projects (id), version text not null,
      reason text not null, created_by text not null, created_at bigint not null, lifted_by text, lifted_at bigint)`,
    `create unique index bad_marks_live on bad_marks (project_id, version) where lifted_at is null`,
    `create table holds (
      id text primary key, project_id text not null references projects (id),
      environment_id text not null references environments (id), version text not null, reason text not null,
      created_by text not null, created_at bigint not null, lifted_by text, lifted_at bigint)`,
    `create unique index holds_live on holds (environment_id, version) where lifted_at is null`,
  ],
};
