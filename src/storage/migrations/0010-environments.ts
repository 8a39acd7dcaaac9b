import type { Migration } from "../migration.ts";

/** Where a project runs and what carries it there: repositories, workflows, environments, freezes. */
export const environments: Migration = {
  name: "0010-environments",
  statements: [
    `alter table projects add column source_connection_id text references connections (id)`,
    `alter table projects add column repository text`,
    `alter table projects add column build_workflow_id text`,
    // A project is called by its name in Aviator's paths, so the name tells it from all others.
    `update projects set name = substr(name, 1, 60) || ' (' || key || ')'
      where exists (select 1 from projects as other where other.name = projects.name and other.id < projects.id)`,
    // Somebody may have called one so.
    `update projects set name = substr(name, 1, 100) || ' ' || id
      where exists (select 1 from projects as other where other.name = projects.name and other.id < projects.id)`,
    `create unique index projects_by_name on projects (name)`,
    `alter table connections add column sealed_webhook_secret text`,

    `create table workflows (
      id text primary key, project_id text not null references projects (id), name text not null,
      provider text not null, connection_id text references connections (id), repository text, target text not null,
      ref text, parameters_json text not null, shows_ids integer not null, created_at bigint not null,
      updated_at bigint not null, unique (project_id, name))`,
    `create table environments (
      id text primary key, project_id text not null references projects (id), name text not null, tier text not null,
      position integer not null, workflow_id text references workflows (id), concurrency text not null,
      promotion_from_id text references environments (id), auto_deploy integer not null,
      time_limit_minutes integer not null,
      redeploy_after_minutes integer not null, last_deployment bigint not null, current_deployment bigint,
      created_at bigint not null, updated_at bigint not null, unique (project_id, name))`,
    `create index environments_promoted on environments (promotion_from_id) where promotion_from_id is not null`,

    `create table freezes (
      id text primary key, name text not null, level text not null, project_id text references projects (id),
      tier text, environment_id text references environments (id), effect text not null, schedule_json text not null,
      reason text not null, owner_name text not null, created_by text not null, created_at bigint not null,
      expires_at bigint, bypass text, origin text not null, lifted_at bigint, lifted_by text)`,
    `create unique index freezes_live_name on freezes (name) where lifted_at is null`,
    `create index freezes_listed on freezes (created_at, id)`,
  ],
};
