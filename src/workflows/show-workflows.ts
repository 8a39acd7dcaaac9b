import { namesOfConnections } from "../connections/connection-store.ts";
import type { Context } from "../context.ts";
import { keysOfProjects } from "../projects/project-store.ts";
import type { Workflow } from "./workflow.ts";

/** A workflow with names where its record has ids. */
export interface ShownWorkflow extends Workflow {
  readonly project: string;
  readonly connection: string | null;
}

/** Looks up what these workflows refer to, for all at once. The caller has made sure that the actor may see them. */
export async function showWorkflows(ctx: Context, workflows: readonly Workflow[]): Promise<ShownWorkflow[]> {
  const projects = await keysOfProjects(
    ctx.db,
    workflows.map(({ projectId }) => projectId),
  );
  const connections = await namesOfConnections(
    ctx.db,
    workflows.flatMap(({ connectionId }) => connectionId ?? []),
  );
  return workflows.map((workflow) => ({
    ...workflow,
    project: projects.get(workflow.projectId) ?? "",
    connection: connections.get(workflow.connectionId ?? "") ?? null,
  }));
}
