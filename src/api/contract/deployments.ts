import * as z from "zod";
import { Deployment, DeploymentStatus, DeploymentStatusEntry } from "../../deployments/deployment.ts";
import { GateReport } from "../../deployments/gate.ts";
import { EnvironmentName } from "../../environments/environment.ts";
import { ProjectKey } from "../../projects/project.ts";
import { VersionText } from "./candidates.ts";
import { type Endpoint, FreeText, listOf, PageQuery } from "./endpoint.ts";
import { EnvironmentInPath } from "./environments.ts";
import { RunPart } from "./workflows.ts";

const DeploymentInPath = z.object({
  number: z.coerce
    .number<string | number>()
    .int()
    .min(1)
    .describe("the deployment's number, over all environments"),
});

const Force = z
  .strictObject({ reason: z.string().trim().min(1).max(1000).describe("stays with the deployment") })
  .optional()
  .describe("pass the gates that are closed now, as far as your role may; left out: they refuse it");

/** A line of a list. */
export const DeploymentLine = Deployment.omit({
  projectId: true,
  environmentId: true,
  releaseId: true,
  candidateId: true,
  contentId: true,
  actorUserId: true,
})
  .extend({ project: ProjectKey, environment: EnvironmentName })
  .meta({ id: "DeploymentSummary" });
export type DeploymentLine = z.output<typeof DeploymentLine>;

export const DeploymentReply = DeploymentLine.extend({
  history: z.array(DeploymentStatusEntry).readonly().describe("every status that was accepted, oldest first"),
  runs: z.array(RunPart).readonly().describe("the attempts to carry it out, oldest first"),
}).meta({ id: "Deployment" });
export type DeploymentReply = z.output<typeof DeploymentReply>;

export const CreateDeployment = {
  method: "POST",
  path: "/v1/projects/:project/environments/:environment/deployments",
  concept: "deployments",
  summary: "Deploy a version; it starts when its turn comes (releasers)",
  params: EnvironmentInPath,
  body: z.strictObject({
    version: VersionText.describe("a candidate's, or that of a release without candidates"),
    force: Force,
  }),
  status: 201,
  reply: DeploymentLine,
  idempotent: {},
} as const satisfies Endpoint;

export const ListDeployments = {
  method: "GET",
  path: "/v1/projects/:project/environments/:environment/deployments",
  concept: "deployments",
  summary: "List an environment's deployments, newest first",
  params: EnvironmentInPath,
  query: PageQuery.extend({ status: DeploymentStatus.optional() }),
  status: 200,
  reply: listOf(DeploymentLine),
} as const satisfies Endpoint;

export const ReportDeployment = {
  method: "POST",
  path: "/v1/projects/:project/environments/:environment/report",
  concept: "deployments",
  summary:
    "Say how the deployment of a version is, whoever carries it out; starts nothing, and no gate refuses it (releasers, tokens to report)",
  params: EnvironmentInPath,
  body: z.strictObject({
    version: VersionText,
    status: DeploymentStatus,
    message: FreeText.default("").describe("what there is to say of it"),
  }),
  status: 200,
  reply: DeploymentLine,
} as const satisfies Endpoint;

export const RollBack = {
  method: "POST",
  path: "/v1/projects/:project/environments/:environment/rollback",
  concept: "deployments",
  summary: "Go back to the version that ran before; what is under way is called off first (releasers)",
  params: EnvironmentInPath,
  body: z.strictObject({
    version: VersionText.optional().describe("one that succeeded here; left out: as the history has it"),
    skipRolledBack: z
      .boolean()
      .default(false)
      .describe("pass over versions that a rollback has left here before"),
    force: Force,
  }),
  status: 201,
  reply: DeploymentLine,
  idempotent: {},
} as const satisfies Endpoint;

export const ExplainGates = {
  method: "GET",
  path: "/v1/projects/:project/environments/:environment/why",
  concept: "deployments",
  summary: "Say whether you can deploy a version there now, why not, and when you can",
  params: EnvironmentInPath,
  query: z.strictObject({ version: VersionText }),
  status: 200,
  reply: GateReport.meta({ id: "GateReport" }),
} as const satisfies Endpoint;

export const GetDeployment = {
  method: "GET",
  path: "/v1/deployments/:number",
  concept: "deployments",
  summary: "Show one deployment, with its history and the attempts to carry it out",
  params: DeploymentInPath,
  status: 200,
  reply: DeploymentReply,
} as const satisfies Endpoint;

export const CancelDeployment = {
  method: "POST",
  path: "/v1/deployments/:number/cancel",
  concept: "deployments",
  summary:
    "Call a deployment off: at once when it has not started, else by asking its run to end (releasers)",
  params: DeploymentInPath,
  status: 200,
  reply: DeploymentLine,
} as const satisfies Endpoint;

export const StartAgain = {
  method: "POST",
  path: "/v1/deployments/:number/start-again",
  concept: "deployments",
  summary:
    "Deploy once more what did not succeed; one whose run cannot be found is given up first (releasers, not automation)",
  params: DeploymentInPath,
  body: z.strictObject({ force: Force }),
  status: 201,
  reply: DeploymentLine,
  idempotent: {},
} as const satisfies Endpoint;
