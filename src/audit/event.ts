import * as z from "zod";

/** Every kind of event; a new one is added here first. */
export const EventKind = z.enum([
  "project.created",
  "project.changed",
  "service.created",
  "connection.created",
  "connection.changed",
  "connection.deleted",
  "connection.tested",
  "user.created",
  "user.changed",
  "user.signed_in",
  "role.granted",
  "role.revoked",
  "token.created",
  "token.revoked",
  "release.created",
  "release.deleted",
  "release.pinned",
  "distribution.started",
  "distribution.retried",
  "distribution.succeeded",
  "distribution.failed",
  "distribution.cancelled",
  "repository.created",
  "manifest.pushed",
  "manifest.deleted",
  "tag.deleted",
  "configuration.applied",
  "backup.made",
]);
export type EventKind = z.output<typeof EventKind>;

/** What a use case says of a change; who, when and from where come from the context. */
export interface EventFacts {
  readonly kind: EventKind;
  /** Null for what belongs to no project: it goes to the chain `system`. */
  readonly projectId: string | null;
  /** The id of what changed. */
  readonly subjectId: string | null;
  readonly before?: unknown;
  readonly after?: unknown;
}
