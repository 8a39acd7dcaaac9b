import type { Migration } from "../migration.ts";

/** The registry inside: metadata here, bytes in file storage. */
export const repositories: Migration = {
  name: "0003-repositories",
  statements: [
    `create table repositories (
      id text primary key, project_id text not null references projects (id), name text not null unique,
      created_at bigint not null)`,
    `create table blobs (
      digest text primary key, size_bytes bigint not null, created_at bigint not null, unlinked_at bigint)`,
    `create index blobs_unlinked on blobs (unlinked_at) where unlinked_at is not null`,
    `create table repository_blobs (
      repository_id text not null references repositories (id), digest text not null references blobs (digest),
      linked_at bigint not null, unreferenced_at bigint, primary key (repository_id, digest))`,
    `create index repository_blobs_unreferenced on repository_blobs (unreferenced_at)
      where unreferenced_at is not null`,
    `create index repository_blobs_by_digest on repository_blobs (digest)`,
    `create table manifests (
      repository_id text not null references repositories (id),
      digest text not null references blobs (digest), media_type text not null,
      size_bytes bigint not null, subject_digest text, artifact_type text, annotations_json text,
      pushed_at bigint not null, primary key (repository_id, digest))`,
    `create index manifests_by_digest on manifests (digest)`,
    `create index manifests_by_subject on manifests (repository_id, subject_digest)`,
    `create table manifest_references (
      repository_id text not null, manifest_digest text not null, digest text not null,
      primary key (repository_id, manifest_digest, digest))`,
    `create index manifest_references_by_digest on manifest_references (repository_id, digest)`,
    `create table tags (
      repository_id text not null references repositories (id), name text not null, digest text not null,
      updated_at bigint not null, primary key (repository_id, name))`,
    `create table uploads (
      id text primary key, repository_id text not null references repositories (id),
      started_at bigint not null, updated_at bigint not null)`,
    `create index uploads_by_age on uploads (updated_at)`,
  ],
};
