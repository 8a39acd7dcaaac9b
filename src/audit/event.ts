import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

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
  "environment.created",
  "environment.changed",
  "freeze.created",
  "freeze.lifted",
  "hold.created",
  "hold.lifted",
  "workflow.created",
  "workflow.changed",
  "candidate.created",
  "candidate.building",
  "candidate.ready",
  "candidate.failed",
  "version.marked_bad",
  "version.mark_lifted",
  "deployment.requested",
  "deployment.reported",
  "deployment.started",
  "deployment.running",
  "deployment.canceling",
  "deployment.succeeded",
  "deployment.failed",
  "deployment.canceled",
  "deployment.error",
  "deployment.lost",
  "deployment.skipped",
  "repository.created",
  "manifest.pushed",
  "manifest.deleted",
  "tag.deleted",
  "blob.deleted",
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

/** The chain of what belongs to no project; every project has one of its own, named by its id. */
export const SYSTEM_CHAIN = "system";

/** A fact in the audit log, sealed: what its hash is taken over, its place in its chain, and the hash. */
export const AuditEvent = z.object({
  id: Id,
  chain: z.string(),
  kind: EventKind,
  projectId: Id.nullable(),
  subjectId: z.string().nullable(),
  actor: z.object({ name: z.string(), userId: z.string().nullable(), tokenId: z.string().nullable() }),
  /** Where the request came from; null for work that no request began. */
  address: z.string().nullable(),
  requestId: z.string().nullable(),
  /** What was and what is now: secrets are masked, YAML is its SHA-256. */
  before: z.unknown(),
  after: z.unknown(),
  createdAt: Instant,
  sequence: z.int(),
  previousHash: z.string().nullable(),
  hash: z.string(),
});
export type AuditEvent = z.output<typeof AuditEvent>;

/** What a live feed tells of a sealed event; all of it is in the list, by its sequence. */
export const LiveEvent = AuditEvent.pick({
  sequence: true,
  id: true,
  kind: true,
  projectId: true,
  subjectId: true,
  actor: true,
  createdAt: true,
});
export type LiveEvent = z.output<typeof LiveEvent>;
