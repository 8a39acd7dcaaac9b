import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { Tier } from "./tier.ts";

/** What becomes of a deployment while another one is under way: it waits, is refused, or takes the place of those that wait. */
export const Concurrency = z.enum(["queue", "reject", "supersede"]);
export type Concurrency = z.output<typeof Concurrency>;

/** Letters, digits, dashes and underscores, as Aviator has it. Case counts. */
export const EnvironmentName = z
  .string()
  .max(64, { abort: true })
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]*)$/, "must be letters, digits, dashes and underscores");

/** How long a started deployment may show no sign of life, in minutes. */
export const DEFAULT_TIME_LIMIT_MINUTES = 60;

/** After so many minutes a report that an ended deployment runs is of a new one. */
export const DEFAULT_REDEPLOY_AFTER_MINUTES = 10;

/** Where a project runs. */
export const Environment = z.object({
  id: Id,
  projectId: Id,
  name: EnvironmentName,
  tier: Tier,
  /** Its place among the project's environments, from the first that a release reaches to the last. */
  position: z.int().min(0).max(1000),
  /** What carries out its deployments; null: somebody else does, and reports. */
  workflowId: Id.nullable(),
  concurrency: Concurrency,
  /** A version must have succeeded there before it may come here; null: it need not. */
  promotionFromId: Id.nullable(),
  /** Every candidate is deployed here once it is ready. */
  autoDeploy: z.boolean(),
  timeLimitMinutes: z.int().min(1).max(10_080),
  /** Until then a report that an ended deployment runs is one that comes late; afterwards it is of a new one. */
  redeployAfterMinutes: z.int().min(0).max(10_080),
  /** How many deployments it had; they are numbered from 1 without gaps. */
  lastDeployment: z.int(),
  /** The newest deployment that succeeded, by its number over all environments; null: none did. */
  currentDeployment: z.int().nullable(),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Environment = z.output<typeof Environment>;

/** What may be said of an environment; workflow and promotion by name. */
export const EnvironmentTerms = Environment.pick({
  name: true,
  tier: true,
  position: true,
  concurrency: true,
  autoDeploy: true,
  timeLimitMinutes: true,
  redeployAfterMinutes: true,
}).extend({
  workflow: z.string().min(1).max(64).nullable(),
  promotionFrom: EnvironmentName.nullable(),
});

/** A new environment; what is left out: tier development, last in order, no workflow, queue, no promotion rule. */
export const EnvironmentDraft = EnvironmentTerms.partial().required({ name: true });
export type EnvironmentDraft = z.output<typeof EnvironmentDraft>;

/** What shall be different; what is left out stays. */
export const EnvironmentChange = EnvironmentTerms.partial();
export type EnvironmentChange = z.output<typeof EnvironmentChange>;
