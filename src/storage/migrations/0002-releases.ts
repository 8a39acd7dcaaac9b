import type { Migration } from "../migration.ts";

/** Releases, their contents, and the distributions that copy them. */
export const releases: Migration = {
  name: "0002-releases",
  statements: [
    `create table releases (
      id text primary key, project_id text not null references projects (id), version text not null,
      stage text not null, created_at bigint not null, unique (project_id, version))`,
    `create index releases_by_age on releases (project_id, created_at desc, id desc)`,
    `create table release_contents (
      id text primary key, release_id text not null references releases (id), project_id text not null,
      version text not null, packaging text not null, source text not null, environment_name text not null,
      production integer not null, original_content_id text, description text not null,
      labels_json text not null, target_connection_id text, wire_extras_json text not null,
      created_by text not null, created_at bigint not null, deleted_at bigint)`,
    `create unique index release_contents_live on release_contents (release_id) where deleted_at is null`,
    `create index release_contents_by_age on release_contents (project_id, created_at desc, id desc)
      where deleted_at is null`,
    `create table release_labels (
      content_id text not null references release_contents (id), label text not null,
      primary key (content_id, label))`,
    `create index release_labels_by_label on release_labels (label, content_id)`,
    `create table release_manifests (
      content_id text not null references release_contents (id), service_name text not null,
      position integer not null, received_yaml text not null, wire_yaml text, rendered_yaml text,
      primary key (content_id, service_name))`,
    `create table release_items (
      id text primary key, content_id text not null references release_contents (id),
      service_name text not null, position integer not null, container_name text not null,
      image_name text not null, source_image text not null, source_tag text not null,
      target_image text not null, target_tag text not null, push integer not null,
      source_connection_id text, source_repository text not null, target_connection_id text,
      target_repository text not null, source_digest text, pinned_digest text, pinned_at bigint,
      pin_problem text)`,
    `create index release_items_by_content on release_items (content_id, position)`,
    `create index release_items_by_digest on release_items (pinned_digest)`,

    `create table distributions (
      id text primary key, content_id text not null references release_contents (id),
      project_id text not null, status text not null, error text not null, attempt integer not null,
      task_id text not null, total_bytes bigint not null, verified_bytes bigint not null,
      created_at bigint not null, ended_at bigint)`,
    `create index distributions_by_content on distributions (content_id, created_at desc, id desc)`,
    `create table distribution_steps (
      distribution_id text not null references distributions (id),
      item_id text not null references release_items (id), status text not null, error text not null,
      verified_digest text, updated_at bigint not null, primary key (distribution_id, item_id))`,
    `create table distribution_blobs (
      distribution_id text not null references distributions (id), digest text not null,
      size_bytes bigint not null, verified_at bigint, primary key (distribution_id, digest))`,
    `create table mount_sources (
      project_id text not null references projects (id), connection_id text not null, digest text not null,
      repository text not null, seen_at bigint not null,
      primary key (project_id, connection_id, digest, repository))`,
  ],
};
