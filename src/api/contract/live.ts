import * as z from "zod";
import { LiveEvent } from "../../audit/event.ts";
import { DistributionProgress } from "../../distributions/distribution-progress.ts";
import { Id } from "../../kernel/id.ts";
import type { Endpoint } from "./endpoint.ts";
import { ProjectInPath } from "./projects.ts";

/** The sequence of an event as clients send it back; empty counts as none. */
const LastSeen = z.string().regex(/^\d{0,15}$/, "must be the id of an event: a whole number");

/** The last event of a stream that does not go on: the caller may not read the project any more. */
export const StreamEnd = z
  .object({
    reason: z.string().describe("the code of the refusal: UNAUTHENTICATED, PROJECT_NOT_FOUND"),
    detail: z.string(),
  })
  .meta({ id: "StreamEnd" });
export type StreamEnd = z.output<typeof StreamEnd>;

export const FollowProject = {
  method: "GET",
  path: "/v1/projects/:project/live",
  concept: "events",
  summary: "Follow a project as it changes: its events and the progress of its copies, as server-sent events",
  params: ProjectInPath,
  query: z.strictObject({
    release: Id.optional().describe("only what is about this release"),
    lastEventId: LastSeen.optional().describe(
      "for clients that cannot send Last-Event-ID, which counts before it",
    ),
  }),
  headers: z.looseObject({
    "last-event-id": LastSeen.optional().describe(
      "goes on behind this event; without it, behind the newest one",
    ),
  }),
  status: 200,
  reply: z
    .union([
      LiveEvent.meta({ id: "LiveEvent" }),
      DistributionProgress.meta({ id: "DistributionProgress" }),
      StreamEnd,
    ])
    .describe(
      "the data of one event. `message` has an id, the event's sequence: LiveEvent. " +
        "`progress` has none: DistributionProgress, whole at first, then with the images and blobs that have changed. " +
        "`end`: StreamEnd, and the stream is over",
    ),
} as const satisfies Endpoint & { readonly headers: z.ZodObject };
