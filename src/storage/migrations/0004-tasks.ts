import type { Migration } from "../migration.ts";

/** Durable tasks. */
export const tasks: Migration = {
  name: "0004-tasks",
  statements: [
    `create table tasks (
      id text primary key, kind text not null, version integer not null, payload_json text not null, key text,
      state text not null, run_at bigint not null, attempt integer not null, lost_runs integer not null,
      lease_owner text, fence bigint not null, leased_until bigint, cancel_requested integer not null,
      progress_json text, error text, created_at bigint not null, ended_at bigint)`,
    `create unique index tasks_live_key on tasks (key)
      where key is not null and state in ('ready', 'running', 'waiting')`,
    `create index tasks_due on tasks (kind, version, run_at, id) where state = 'ready'`,
    `create index tasks_leased on tasks (leased_until) where state = 'running'`,
    `create index tasks_cancelled on tasks (id) where cancel_requested = 1`,
    `create index tasks_ended on tasks (ended_at) where ended_at is not null`,
    `create table task_steps (
      task_id text not null references tasks (id) on delete cascade, name text not null, state text not null,
      result_json text, wake_at bigint, finished_at bigint, primary key (task_id, name))`,
    `create table task_signals (
      task_id text not null references tasks (id) on delete cascade, name text not null,
      payload_json text not null, sent_at bigint not null, primary key (task_id, name))`,
  ],
};
