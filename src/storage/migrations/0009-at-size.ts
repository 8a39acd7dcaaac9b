import type { Migration } from "../migration.ts";

/** Indexes that keep tasks and events quick however many of them have ended or are sealed. */
export const atSize: Migration = {
  name: "0009-at-size",
  statements: [
    // Ended tasks keep the mark of their cancellation.
    `drop index tasks_cancelled`,
    `create index tasks_cancelled on tasks (id) where cancel_requested = 1 and ended_at is null`,
    `create index tasks_waiting on tasks (kind, version, state) where state = 'waiting'`,
    `create index tasks_ended_by_kind on tasks (kind, version, state)
      where state in ('done', 'failed', 'cancelled')`,
    // With the sequence in it, SQLite need not look at the row, and prefers it to the index of all events.
    `drop index events_unsealed`,
    `create index events_unsealed on events (chain, serial, sequence) where sequence is null`,
    // In the order in which they are listed.
    `drop index events_by_subject`,
    `create index events_by_subject on events (chain, subject_id, sequence)`,
  ],
};
