import * as z from "zod";
import { Hold } from "../../deployments/hold.ts";
import { EnvironmentName } from "../../environments/environment.ts";
import { ProjectKey } from "../../projects/project.ts";
import { VersionText } from "./candidates.ts";
import { type Endpoint, Nothing } from "./endpoint.ts";
import { EnvironmentInPath } from "./environments.ts";
import { ProjectInPath } from "./projects.ts";

export const HoldReply = Hold.omit({ projectId: true, environmentId: true })
  .extend({ project: ProjectKey, environment: EnvironmentName })
  .meta({ id: "Hold" });
export type HoldReply = z.output<typeof HoldReply>;

const Holds = z.object({ items: z.array(HoldReply) });

export const ListHolds = {
  method: "GET",
  path: "/v1/projects/:project/holds",
  concept: "holds",
  summary: "List what keeps automation from deploying again what was rolled back, newest first",
  params: ProjectInPath,
  status: 200,
  reply: Holds,
} as const satisfies Endpoint;

export const ListEnvironmentHolds = {
  method: "GET",
  path: "/v1/projects/:project/environments/:environment/holds",
  concept: "holds",
  summary: "List the holds of one environment, newest first",
  params: EnvironmentInPath,
  status: 200,
  reply: Holds,
} as const satisfies Endpoint;

export const LiftHold = {
  method: "DELETE",
  path: "/v1/projects/:project/environments/:environment/holds/:version",
  concept: "holds",
  summary: "Let automation deploy a version there again (releasers)",
  params: EnvironmentInPath.extend({ version: VersionText }),
  status: 204,
  reply: Nothing,
} as const satisfies Endpoint;

export const LiftEnvironmentHolds = {
  method: "DELETE",
  path: "/v1/projects/:project/environments/:environment/holds",
  concept: "holds",
  summary: "Lift every hold of an environment (releasers)",
  params: EnvironmentInPath,
  status: 204,
  reply: Nothing,
} as const satisfies Endpoint;
