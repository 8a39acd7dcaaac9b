import * as z from "zod";
import { Project, ProjectKey } from "../../projects/project.ts";
import { type Endpoint, listOf, PageQuery } from "./endpoint.ts";

export const ProjectInPath = z.object({ project: ProjectKey.describe("the project's key") });

const WithReferrers = Project.shape.withReferrers.describe(
  "releases copy what is attached to their images, such as signatures and SBOMs, unless they say otherwise",
);

const ProjectReply = Project.meta({ id: "Project" });

export const CreateProject = {
  method: "POST",
  path: "/v1/projects",
  concept: "projects",
  summary: "Make a project (system admins)",
  body: z.strictObject({
    key: ProjectKey,
    name: Project.shape.name.optional().describe("the key when left out"),
    withReferrers: WithReferrers.default(false),
  }),
  status: 201,
  reply: ProjectReply,
  idempotent: {},
} as const satisfies Endpoint;

export const ListProjects = {
  method: "GET",
  path: "/v1/projects",
  concept: "projects",
  summary: "List the projects that you may see, newest first",
  query: PageQuery,
  status: 200,
  reply: listOf(ProjectReply),
} as const satisfies Endpoint;

export const GetProject = {
  method: "GET",
  path: "/v1/projects/:project",
  concept: "projects",
  summary: "Show one project",
  params: ProjectInPath,
  status: 200,
  reply: ProjectReply,
} as const satisfies Endpoint;

export const ChangeProject = {
  method: "PATCH",
  path: "/v1/projects/:project",
  concept: "projects",
  summary: "Change a project; what is left out stays, its key for ever (project admins)",
  params: ProjectInPath,
  body: z.strictObject({ name: Project.shape.name.optional(), withReferrers: WithReferrers.optional() }),
  status: 200,
  reply: ProjectReply,
} as const satisfies Endpoint;
