import * as z from "zod";
import { includes, Role } from "../access/role.ts";
import { CronExpression } from "../kernel/cron.ts";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { TimeZone } from "../kernel/time-zone.ts";
import { Tier } from "./tier.ts";

/*
 * A freeze says when deployments may not start: a deny while it is active, an allow while it is not. It holds for
 * everything, a project, a tier or one environment. Cutting, building and reporting are never frozen.
 *
 * Moments belong to a freeze from its start on and no more from its end on. A freeze that was lifted never holds, one
 * that has expired no longer does: an ended window alone ends neither, so an allow whose only window has passed keeps
 * its places closed until somebody lifts it or it expires.
 */

/** What the configuration file and the command line call a freeze; unlike an id, so that one text can stand for either. */
export const FreezeName = z
  .string()
  .max(64, { abort: true })
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/, "must be letters, digits, dots, dashes, underscores")
  .refine((name) => !Id.safeParse(name).success, "must not look like an id");

/** What a freeze can hold for, the widest first. */
export const ScopeLevel = z.enum(["everything", "project", "tier", "environment"]);
export type ScopeLevel = z.output<typeof ScopeLevel>;

/** Which environments a freeze is about. */
export const FreezeScope = z.discriminatedUnion("level", [
  z.object({ level: z.literal("everything") }),
  z.object({ level: z.literal("project"), projectId: Id }),
  /** Without a project: that tier of every project. */
  z.object({ level: z.literal("tier"), tier: Tier, projectId: Id.nullable() }),
  z.object({ level: z.literal("environment"), projectId: Id, environmentId: Id }),
]);
export type FreezeScope = z.output<typeof FreezeScope>;

/** Deny: closed while active. Allow: open only while one of the allows at this level is active. */
export const FreezeEffect = z.enum(["deny", "allow"]);
export type FreezeEffect = z.output<typeof FreezeEffect>;

const MOST_MINUTES = 31 * 24 * 60;

/** A window that begins whenever the cron expression comes on the clock of the zone; where windows overlap they are one. */
export const RecurringSchedule = z.object({
  kind: z.literal("recurring"),
  cron: CronExpression,
  /** Of time that passes, not of time on the clock: a summer time change makes no window longer or shorter. */
  durationMinutes: z.int().min(1).max(MOST_MINUTES),
  zone: TimeZone,
});
export type RecurringSchedule = z.output<typeof RecurringSchedule>;

/** When a freeze is active. */
export const FreezeSchedule = z.discriminatedUnion("kind", [
  /** From then on, until it is lifted or expires. */
  z.object({ kind: z.literal("now"), startsAt: Instant }),
  z
    .object({ kind: z.literal("once"), startsAt: Instant, endsAt: Instant })
    .refine(({ startsAt, endsAt }) => endsAt > startsAt, {
      path: ["endsAt"],
      error: "must be later than startsAt",
    }),
  RecurringSchedule,
]);
export type FreezeSchedule = z.output<typeof FreezeSchedule>;

/** A rule about when deployments may start. */
export const Freeze = z.object({
  id: Id,
  name: FreezeName,
  scope: FreezeScope,
  effect: FreezeEffect,
  schedule: FreezeSchedule,
  /** For those who are stopped by it. */
  reason: z.string().min(1).max(1000),
  /** Whom to ask. */
  ownerName: z.string().min(1).max(128),
  createdBy: z.string(),
  createdAt: Instant,
  /** From here on it no longer counts; null: it stays. */
  expiresAt: Instant.nullable(),
  /** The least role that may deploy against it; null: nobody may. */
  bypass: Role.nullable(),
  /** A configuration file removes only what came from one. */
  origin: z.enum(["person", "configuration"]),
  liftedAt: Instant.nullable(),
  liftedBy: z.string().nullable(),
});
export type Freeze = z.output<typeof Freeze>;

/** An environment as freezes see it. */
export interface FrozenPlace {
  readonly projectId: string;
  readonly tier: Tier;
  readonly environmentId: string;
}

/** True when the freeze is about this environment. */
export function isAbout(scope: FreezeScope, place: FrozenPlace): boolean {
  switch (scope.level) {
    case "everything":
      return true;
    case "project":
      return scope.projectId === place.projectId;
    case "tier":
      return scope.tier === place.tier && (scope.projectId === null || scope.projectId === place.projectId);
    case "environment":
      return scope.projectId === place.projectId && scope.environmentId === place.environmentId;
  }
}

/** True when the freeze still is a rule, whether active or not: neither lifted nor expired. */
export const isInForce = ({ liftedAt, expiresAt }: Freeze, at: Date): boolean =>
  liftedAt === null && (expiresAt === null || at < expiresAt);

/** True when somebody with this role in the project may deploy against the freeze. */
export const mayBypass = ({ bypass }: Freeze, held: Role | null): boolean =>
  bypass !== null && includes(held, bypass);
