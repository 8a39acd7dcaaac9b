import type { Migration } from "../migration.ts";

/** Signatures, SBOMs and the like travel with their images where a project or a release asks for it. */
export const referrers: Migration = {
  name: "0007-referrers",
  statements: [
    `alter table projects add column with_referrers integer not null default 0`,
    `alter table release_contents add column with_referrers integer not null default 0`,
    `create table release_item_referrers (
      item_id text not null references release_items (id), digest text not null, tag text not null,
      position integer not null, kind text not null, subject_digest text not null, media_type text not null,
      artifact_type text, size_bytes bigint not null, copied_at bigint, primary key (item_id, digest, tag))`,
    `create index release_item_referrers_by_digest on release_item_referrers (digest)`,
  ],
};
