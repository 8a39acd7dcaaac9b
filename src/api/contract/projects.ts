import * as z from "zod";
import { Project, ProjectKey } from "../../projects/project.ts";
import { type Endpoint, listOf, PageQuery } from "./endpoint.ts";

export const ProjectInPath = z.object({ project: ProjectKey.describe("the project's key") });

const WithReferrers = Project.shape.withReferrers.describe(
  "releases copy what is attached to their images, such as signatures and SBOMs, unless they say otherwise",
);

/** A project with names where records have ids. */
export const ProjectReply = Project.omit({ sourceConnectionId: true, buildWorkflowId: true })
  .extend({
    sourceConnection: z.string().nullable().describe("the connection to its repository, by name"),
    buildWorkflow: z
      .string()
      .nullable()
      .describe("what builds its candidates, by name; null: they are ready at once"),
  })
  .meta({ id: "Project" });
export type ProjectReply = z.output<typeof ProjectReply>;

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
  body: z.strictObject({
    name: Project.shape.name.optional(),
    withReferrers: WithReferrers.optional(),
    source: z
      .string()
      .min(1)
      .max(64)
      .nullable()
      .optional()
      .describe("the connection to its repository, by id or name; null takes it off"),
    repository: Project.shape.repository.optional().describe("org/name at that connection"),
    buildWorkflow: z
      .string()
      .min(1)
      .max(64)
      .nullable()
      .optional()
      .describe("what builds its candidates, by name; null: they are ready at once"),
  }),
  status: 200,
  reply: ProjectReply,
} as const satisfies Endpoint;
