import { namesOfConnections } from "../connections/connection-store.ts";
import type { Context } from "../context.ts";
import { namesOfWorkflows } from "../workflows/workflow-store.ts";
import type { Project } from "./project.ts";

/** A project with the names of what it is linked to. */
export interface ShownProject extends Project {
  readonly sourceConnection: string | null;
  readonly buildWorkflow: string | null;
}

/** Looks the names up, for all at once. The caller has made sure that the actor may see the projects. */
export async function showProjects(ctx: Context, projects: readonly Project[]): Promise<ShownProject[]> {
  const connections = await namesOfConnections(
    ctx.db,
    projects.flatMap(({ sourceConnectionId: id }) => id ?? []),
  );
  const workflows = await namesOfWorkflows(
    ctx.db,
    projects.flatMap(({ buildWorkflowId: id }) => id ?? []),
  );
  return projects.map((project) => ({
    ...project,
    sourceConnection: connections.get(project.sourceConnectionId ?? "") ?? null,
    buildWorkflow: workflows.get(project.buildWorkflowId ?? "") ?? null,
  }));
}
