import type { Migration } from "../migration.ts";

/**
 * Lists of any length at one price. A release stands in a block of its project, for good: lists are ordered by block,
 * moment and id. What a list is filtered by stands in the index that it reads, and every filter's releases are
 * counted per block: a total is the sum, and a page far back is found by passing over whole blocks.
 */
export const releaseLists: Migration = {
  name: "0006-release-lists",
  statements: [
    `drop index release_contents_by_age`,
    `alter table release_contents add column block integer not null default 0`,
    `alter table release_contents add column distribution_status text not null default 'creating'`,
    `update release_contents set block = listed.block, distribution_status = listed.status
      from (
        select content.id, (row_number() over (partition by project_id order by created_at, id) - 1) / 1000 as block,
          coalesce((
            select status from distributions as distribution where distribution.content_id = content.id
            order by distribution.created_at desc, distribution.id desc limit 1), 'creating') as status
        from release_contents as content
      ) as listed where listed.id = release_contents.id`,
    // With deleted_at at the end SQLite answers from the index alone.
    `create index release_contents_listed
      on release_contents (project_id, block desc, created_at desc, id desc, deleted_at) where deleted_at is null`,
    `create index release_contents_by_status
      on release_contents (project_id, distribution_status, block desc, created_at desc, id desc, deleted_at)
      where deleted_at is null`,

    `alter table release_labels rename to unplaced_labels`,
    `create table release_labels (
      content_id text not null references release_contents (id), label text not null, project_id text not null,
      block integer not null, created_at bigint not null, distribution_status text not null,
      primary key (content_id, label))`,
    `insert into release_labels (content_id, label, project_id, block, created_at, distribution_status)
      select content.id, unplaced.label, content.project_id, content.block, content.created_at,
        content.distribution_status
      from unplaced_labels as unplaced join release_contents as content on content.id = unplaced.content_id
      where content.deleted_at is null`,
    `drop table unplaced_labels`,
    `create index release_labels_listed
      on release_labels (project_id, label, block desc, created_at desc, content_id desc)`,
    `create index release_labels_by_status
      on release_labels (project_id, label, distribution_status, block desc, created_at desc, content_id desc)`,

    `create table release_counts (
      project_id text not null, filter text not null, block integer not null, count integer not null,
      primary key (project_id, filter, block))`,
    `insert into release_counts (project_id, filter, block, count)
      select project_id, '', block, count(*) from release_contents
      where deleted_at is null group by project_id, block`,
    `insert into release_counts (project_id, filter, block, count)
      select project_id, distribution_status, block, count(*) from release_contents
      where deleted_at is null group by project_id, distribution_status, block`,
    `insert into release_counts (project_id, filter, block, count)
      select project_id, '=' || label, block, count(*) from release_labels group by project_id, label, block`,
    `insert into release_counts (project_id, filter, block, count)
      select project_id, distribution_status || '=' || label, block, count(*) from release_labels
      group by project_id, distribution_status, label, block`,
  ],
};
