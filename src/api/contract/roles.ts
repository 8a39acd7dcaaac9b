import * as z from "zod";
import { Role } from "../../access/role.ts";
import { Id } from "../../kernel/id.ts";
import { type Endpoint, Nothing } from "./endpoint.ts";
import { ProjectInPath } from "./projects.ts";
import { UserInPath } from "./users.ts";

const ProjectRole = z.object({ userId: Id, userName: z.string(), role: Role }).meta({ id: "ProjectRole" });
const OfUser = ProjectInPath.extend(UserInPath.shape);

export const ListRoles = {
  method: "GET",
  path: "/v1/projects/:project/roles",
  concept: "roles",
  summary: "List who holds a role in a project; system admins, who may do everything, are not listed",
  params: ProjectInPath,
  status: 200,
  reply: z.object({ items: z.array(ProjectRole) }),
} as const satisfies Endpoint;

export const GrantRole = {
  method: "PUT",
  path: "/v1/projects/:project/roles/:user",
  concept: "roles",
  summary: "Give a user a role in a project, in place of the one held so far (project admins)",
  params: OfUser,
  body: z.strictObject({ role: Role }),
  status: 200,
  reply: ProjectRole,
} as const satisfies Endpoint;

export const RevokeRole = {
  method: "DELETE",
  path: "/v1/projects/:project/roles/:user",
  concept: "roles",
  summary: "Take a user's role in a project away (project admins)",
  params: OfUser,
  status: 204,
  reply: Nothing,
} as const satisfies Endpoint;
