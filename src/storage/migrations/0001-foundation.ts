import type { Migration } from "../migration.ts";

/** Settings, projects, connections, access. */
export const foundation: Migration = {
  name: "0001-foundation",
  statements: [
    `create table settings (name text primary key, value text not null)`,

    `create table projects (
      id text primary key, key text not null unique, name text not null, created_at bigint not null)`,
    `create table services (
      id text primary key, project_id text not null references projects (id), name text not null,
      created_at bigint not null, unique (project_id, name))`,

    `create table connections (
      id text primary key, name text not null unique, kind text not null, host text not null,
      namespace text not null, provider text not null, region text not null, is_default integer not null,
      plain_http integer not null, allow_private integer not null, ca_pem text, username text,
      sealed_password text, token_hosts_json text not null, all_projects integer not null,
      built_in integer not null, created_at bigint not null, updated_at bigint not null)`,
    `create table connection_projects (
      connection_id text not null references connections (id), project_id text not null references projects (id),
      primary key (connection_id, project_id))`,

    `create table users (
      id text primary key, name text not null unique, password_hash text, system_admin integer not null,
      disabled integer not null, created_at bigint not null)`,
    `create table project_roles (
      user_id text not null references users (id), project_id text not null references projects (id),
      role text not null, primary key (user_id, project_id))`,
    `create table api_tokens (
      id text primary key, user_id text not null references users (id), name text not null,
      secret_hash text not null, scopes_json text not null, expires_at bigint, last_used_at bigint,
      revoked_at bigint, created_at bigint not null)`,
    `create index api_tokens_by_user on api_tokens (user_id, created_at, id)`,
    `create table sign_up_links (secret_hash text primary key, expires_at bigint not null, used_at bigint)`,

    `create table idempotency_keys (
      actor text not null, route text not null, key text not null, request_hash text not null,
      reply_json text, created_at bigint not null, primary key (actor, route, key))`,
    `create index idempotency_keys_by_age on idempotency_keys (created_at)`,
  ],
};
