import * as z from "zod";
import { ProjectKey } from "../../projects/project.ts";
import { WorkflowRun } from "../../workflows/workflow-run.ts";
import { Workflow, WorkflowChange, WorkflowDraft } from "../../workflows/workflow.ts";
import type { Endpoint } from "./endpoint.ts";
import { ProjectInPath } from "./projects.ts";

const WorkflowInPath = ProjectInPath.extend({
  workflow: Workflow.shape.name.describe("the workflow's name"),
});

/** A workflow with names where records have ids. */
export const WorkflowReply = Workflow.omit({ projectId: true, connectionId: true })
  .extend({
    project: ProjectKey,
    connection: z.string().nullable().describe("of GitHub: the connection by name; null: the project's own"),
  })
  .meta({ id: "Workflow" });
export type WorkflowReply = z.output<typeof WorkflowReply>;

/** One attempt to carry out a workflow, as the deployment or candidate that it serves shows it. */
export const RunPart = WorkflowRun.pick({
  id: true,
  purpose: true,
  attempt: true,
  state: true,
  provider: true,
  repository: true,
  target: true,
  ref: true,
  providerRun: true,
  url: true,
  message: true,
  intendedAt: true,
  sentAt: true,
  startedAt: true,
  endedAt: true,
  seenAt: true,
  cancelAskedAt: true,
}).meta({ id: "WorkflowRun" });

export const CreateWorkflow = {
  method: "POST",
  path: "/v1/projects/:project/workflows",
  concept: "workflows",
  summary: "Make a workflow (project admins); one that runs a program of the server's (system admins)",
  params: ProjectInPath,
  body: z.strictObject(WorkflowDraft.shape),
  status: 201,
  reply: WorkflowReply,
  idempotent: {},
} as const satisfies Endpoint;

export const ListWorkflows = {
  method: "GET",
  path: "/v1/projects/:project/workflows",
  concept: "workflows",
  summary: "List a project's workflows by name",
  params: ProjectInPath,
  status: 200,
  reply: z.object({ items: z.array(WorkflowReply) }),
} as const satisfies Endpoint;

export const GetWorkflow = {
  method: "GET",
  path: "/v1/projects/:project/workflows/:workflow",
  concept: "workflows",
  summary: "Show one workflow",
  params: WorkflowInPath,
  status: 200,
  reply: WorkflowReply,
} as const satisfies Endpoint;

export const ChangeWorkflow = {
  method: "PATCH",
  path: "/v1/projects/:project/workflows/:workflow",
  concept: "workflows",
  summary:
    "Change a workflow; what is left out stays, runs under way go on as they were started (project admins; programs: system admins)",
  params: WorkflowInPath,
  body: z.strictObject(WorkflowChange.shape),
  status: 200,
  reply: WorkflowReply,
} as const satisfies Endpoint;
