import * as z from "zod";
import { AuditEvent, EventKind } from "../../audit/event.ts";
import { ProjectKey } from "../../projects/project.ts";
import { type Endpoint, listOf, PageQuery } from "./endpoint.ts";

const OfProject = z.strictObject({
  project: ProjectKey.optional().describe("without it: what belongs to no project (system admins)"),
});

export const ListEvents = {
  method: "GET",
  path: "/v1/events",
  concept: "events",
  summary: "List the sealed events of a project or of the system; to follow them, go on behind the last one",
  query: PageQuery.extend({
    ...OfProject.shape,
    kind: EventKind.optional(),
    subject: z.string().min(1).max(128).optional().describe("the id of what changed"),
    order: z.enum(["oldest", "newest"]).default("oldest").describe("which ones come first"),
  }),
  status: 200,
  reply: listOf(AuditEvent.meta({ id: "Event" })),
} as const satisfies Endpoint;

export const ExportEvents = {
  method: "GET",
  path: "/v1/events/export",
  concept: "events",
  summary:
    "Export a whole chain of events as lines of JSON, which `headgate audit verify` checks without a server",
  query: OfProject,
  status: 200,
  reply: z.string().describe("a header with the public key, the entries by sequence, and the signed head"),
} as const satisfies Endpoint;
