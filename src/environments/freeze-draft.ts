import * as z from "zod";
import { Instant } from "../kernel/time.ts";
import { ProjectKey } from "../projects/project.ts";
import { EnvironmentName } from "./environment.ts";
import { Freeze, RecurringSchedule } from "./freeze.ts";
import { Tier } from "./tier.ts";

/** Where a freeze is to hold, by names: nothing is everything; an environment needs its project. */
export const FreezePlace = z
  .strictObject({
    project: ProjectKey.nullable().default(null),
    tier: Tier.nullable().default(null),
    environment: EnvironmentName.nullable().default(null),
  })
  .refine(({ project, environment }) => environment === null || project !== null, {
    path: ["environment"],
    error: "needs its project",
  })
  .refine(({ tier, environment }) => environment === null || tier === null, {
    path: ["tier"],
    error: "an environment has its own",
  });
export type FreezePlace = z.output<typeof FreezePlace>;

/** When it is to be active; `now` from the moment on at which it is made. */
export const ScheduleDraft = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("now") }),
  z
    .strictObject({ kind: z.literal("once"), startsAt: Instant, endsAt: Instant })
    .refine(({ startsAt, endsAt }) => endsAt > startsAt, {
      path: ["endsAt"],
      error: "must be later than startsAt",
    }),
  z.strictObject(RecurringSchedule.shape),
]);

/** A new freeze. What is left out: it denies, from now on, admins may bypass it, and its maker is asked. */
export const FreezeDraft = z.strictObject({
  name: Freeze.shape.name,
  place: FreezePlace.default({ project: null, tier: null, environment: null }),
  effect: Freeze.shape.effect.default("deny"),
  schedule: ScheduleDraft.default({ kind: "now" }),
  reason: Freeze.shape.reason,
  ownerName: Freeze.shape.ownerName.optional(),
  expiresAt: Instant.nullable().default(null),
  bypass: Freeze.shape.bypass.default("admin"),
});
export type FreezeDraft = z.output<typeof FreezeDraft>;
