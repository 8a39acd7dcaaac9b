import * as z from "zod";
import { Service, ServiceName } from "../../projects/service.ts";
import { type Endpoint, listOf, PageQuery } from "./endpoint.ts";
import { ProjectInPath } from "./projects.ts";

const ServiceReply = Service.meta({ id: "Service" });

export const CreateService = {
  method: "POST",
  path: "/v1/projects/:project/services",
  concept: "services",
  summary: "Make a service; a release makes the services it names by itself (releasers)",
  params: ProjectInPath,
  body: z.strictObject({ name: ServiceName }),
  status: 201,
  reply: ServiceReply,
  idempotent: {},
} as const satisfies Endpoint;

export const ListServices = {
  method: "GET",
  path: "/v1/projects/:project/services",
  concept: "services",
  summary: "List a project's services, newest first",
  params: ProjectInPath,
  query: PageQuery,
  status: 200,
  reply: listOf(ServiceReply),
} as const satisfies Endpoint;
