import * as z from "zod";
import { Project, ProjectKey } from "../../projects/project.ts";
import { type Endpoint, listOf, PageQuery } from "./endpoint.ts";

export const ProjectInPath = z.object({ project: ProjectKey.describe("the project's key") });

const ProjectReply = Project.meta({ id: "Project" });

export const CreateProject = {
  method: "POST",
  path: "/v1/projects",
  concept: "projects",
  summary: "Make a project (system admins)",
  body: z.strictObject({
    key: ProjectKey,
    name: Project.shape.name.optional().describe("the key when left out"),
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
  summary: "Rename a project; its key never changes (project admins)",
  params: ProjectInPath,
  body: z.strictObject({ name: Project.shape.name }),
  status: 200,
  reply: ProjectReply,
} as const satisfies Endpoint;
