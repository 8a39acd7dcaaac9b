import * as z from "zod";
import {
  Environment,
  EnvironmentChange,
  EnvironmentDraft,
  EnvironmentName,
} from "../../environments/environment.ts";
import { Instant } from "../../kernel/time.ts";
import { ProjectKey } from "../../projects/project.ts";
import type { Endpoint } from "./endpoint.ts";
import { ProjectInPath } from "./projects.ts";

export const EnvironmentInPath = ProjectInPath.extend({
  environment: EnvironmentName.describe("the environment's name"),
});

/** What an environment runs. */
export const RunningVersion = z.object({
  number: z.int().describe("the deployment that brought it, by its number"),
  version: z.string(),
  releaseVersion: z.string(),
  since: Instant.describe("when that deployment succeeded"),
});
export type RunningVersion = z.output<typeof RunningVersion>;

/** An environment with names where records have ids. */
export const EnvironmentReply = Environment.omit({
  projectId: true,
  workflowId: true,
  promotionFromId: true,
  lastDeployment: true,
  currentDeployment: true,
})
  .extend({
    project: ProjectKey,
    workflow: z
      .string()
      .nullable()
      .describe("what carries out its deployments; null: somebody else does, and reports"),
    promotionFrom: EnvironmentName.nullable().describe(
      "where a version must have succeeded before it may come here",
    ),
    current: RunningVersion.nullable().describe("what runs there; null: nothing that is known"),
    deployments: z.int().describe("how many it has had"),
  })
  .meta({ id: "Environment" });
export type EnvironmentReply = z.output<typeof EnvironmentReply>;

export const CreateEnvironment = {
  method: "POST",
  path: "/v1/projects/:project/environments",
  concept: "environments",
  summary:
    "Make an environment; what is left out is tier development, last in order, no workflow, queue, no promotion (project admins)",
  params: ProjectInPath,
  body: z.strictObject(EnvironmentDraft.shape),
  status: 201,
  reply: EnvironmentReply,
  idempotent: {},
} as const satisfies Endpoint;

export const ListEnvironments = {
  method: "GET",
  path: "/v1/projects/:project/environments",
  concept: "environments",
  summary: "List a project's environments in their order, and what runs there",
  params: ProjectInPath,
  status: 200,
  reply: z.object({ items: z.array(EnvironmentReply) }),
} as const satisfies Endpoint;

export const GetEnvironment = {
  method: "GET",
  path: "/v1/projects/:project/environments/:environment",
  concept: "environments",
  summary: "Show one environment, and what runs there",
  params: EnvironmentInPath,
  status: 200,
  reply: EnvironmentReply,
} as const satisfies Endpoint;

export const ChangeEnvironment = {
  method: "PATCH",
  path: "/v1/projects/:project/environments/:environment",
  concept: "environments",
  summary: "Change an environment; what is left out stays (project admins)",
  params: EnvironmentInPath,
  body: z.strictObject(EnvironmentChange.shape),
  status: 200,
  reply: EnvironmentReply,
} as const satisfies Endpoint;
