import type { Migration } from "../migration.ts";

/** The audit log: events, and the signed head of each hash chain. */
export const audit: Migration = {
  name: "0005-audit",
  statements: [
    `create table events (
      serial {serial}, id text not null unique, chain text not null, project_id text, kind text not null, subject_id text,
      body_json text not null, created_at bigint not null,
      sequence bigint, previous_hash text, hash text)`,
    `create index events_unsealed on events (chain, serial) where sequence is null`,
    `create unique index events_by_sequence on events (chain, sequence)`,
    `create index events_by_subject on events (subject_id)`,
    `create table chain_heads (
      chain text primary key, sequence bigint not null, hash text not null, signature text not null,
      signed_at bigint not null)`,
    `create table sealer_lease (name text primary key, holder text not null, leased_until bigint not null)`,
    `insert into sealer_lease (name, holder, leased_until) values ('sealer', '', 0)`,
  ],
};
