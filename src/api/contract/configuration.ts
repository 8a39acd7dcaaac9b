import * as z from "zod";
import { Configuration, ConfigurationPlan } from "../../projects/configuration.ts";
import type { Endpoint } from "./endpoint.ts";

const PlanReply = ConfigurationPlan.meta({ id: "ConfigurationPlan" });

export const PlanConfiguration = {
  method: "POST",
  path: "/v1/configuration/plan",
  concept: "configuration",
  summary: "Show what applying a configuration would change; nothing is changed (system admins)",
  body: Configuration,
  status: 200,
  reply: PlanReply,
} as const satisfies Endpoint;

/** Without Idempotency-Key: the second time the plan is another one, and passwords are hashed before the transaction. */
export const ApplyConfiguration = {
  method: "POST",
  path: "/v1/configuration/apply",
  concept: "configuration",
  summary: "Carry out a plan: all of it or nothing; what the configuration leaves out stays (system admins)",
  body: z.strictObject({
    ...Configuration.shape,
    fingerprint: ConfigurationPlan.shape.fingerprint.describe(
      "of the plan; refused when it is not true any more",
    ),
  }),
  status: 200,
  reply: PlanReply,
} as const satisfies Endpoint;
