import * as z from "zod";
import { EnvironmentName } from "../../environments/environment.ts";
import { FreezeDraft } from "../../environments/freeze-draft.ts";
import { Freeze, ScopeLevel } from "../../environments/freeze.ts";
import { Tier } from "../../environments/tier.ts";
import { Instant } from "../../kernel/time.ts";
import { ProjectKey } from "../../projects/project.ts";
import type { Endpoint } from "./endpoint.ts";

const FreezeInPath = z.object({
  freeze: z.string().min(1).max(64).describe("the freeze's id, or its name while it is not lifted"),
});

/** A line of a list: a freeze with names where records have ids. */
export const FreezeLine = Freeze.omit({ scope: true })
  .extend({
    level: ScopeLevel,
    place: z.object({
      project: ProjectKey.nullable().describe("null: every project"),
      tier: Tier.nullable(),
      environment: EnvironmentName.nullable(),
    }),
    isActive: z
      .boolean()
      .describe("active at this moment: a deny keeps deployments, an allow lets them through"),
  })
  .meta({ id: "FreezeSummary" });
export type FreezeLine = z.output<typeof FreezeLine>;

export const FreezeReply = FreezeLine.extend({
  windows: z
    .array(z.object({ startsAt: Instant, endsAt: Instant.nullable().describe("null: no end in sight") }))
    .describe("when it is active: the window under way and those that come next, five at most"),
}).meta({ id: "Freeze" });
export type FreezeReply = z.output<typeof FreezeReply>;

export const CreateFreeze = {
  method: "POST",
  path: "/v1/freezes",
  concept: "freezes",
  summary:
    "Make a freeze; what is left out: everything, deny, from now on, admins may pass it (project admins; of all projects: system admins)",
  body: FreezeDraft,
  status: 201,
  reply: FreezeReply,
  idempotent: {},
} as const satisfies Endpoint;

export const ListFreezes = {
  method: "GET",
  path: "/v1/freezes",
  concept: "freezes",
  summary: "List the freezes of the projects that you may see that were not lifted, oldest first",
  status: 200,
  reply: z.object({ items: z.array(FreezeLine) }),
} as const satisfies Endpoint;

export const GetFreeze = {
  method: "GET",
  path: "/v1/freezes/:freeze",
  concept: "freezes",
  summary: "Show one freeze and its next windows",
  params: FreezeInPath,
  status: 200,
  reply: FreezeReply,
} as const satisfies Endpoint;

export const LiftFreeze = {
  method: "POST",
  path: "/v1/freezes/:freeze/lift",
  concept: "freezes",
  summary: "End a freeze for good; what waits behind it may start (whoever may make it)",
  params: FreezeInPath,
  status: 200,
  reply: FreezeReply,
} as const satisfies Endpoint;
