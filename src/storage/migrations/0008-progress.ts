import type { Migration } from "../migration.ts";

/** Which blobs an image has and how each got to its target, and the distributions that are under way. */
export const progress: Migration = {
  name: "0008-progress",
  statements: [
    `create table distribution_item_blobs (
      distribution_id text not null references distributions (id), item_id text not null references release_items (id),
      digests_json text not null, primary key (distribution_id, item_id))`,
    `alter table distribution_blobs add column arrival text`,
    `create index distributions_running on distributions (project_id) where ended_at is null`,
  ],
};
