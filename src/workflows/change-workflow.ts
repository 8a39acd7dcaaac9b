import { requireRole, requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "../projects/get-project.ts";
import type { Project } from "../projects/project.ts";
import { isUniqueViolation } from "../storage/unique-violation.ts";
import { settleWorkflow } from "./settle-workflow.ts";
import { type Workflow, WorkflowChange } from "./workflow.ts";
import { findWorkflow, listWorkflows as listAll, updateWorkflow } from "./workflow-store.ts";

export interface ChangeWorkflow {
  readonly projectKey: string;
  readonly name: string;
  readonly change: WorkflowChange;
}

/** A project's workflow of this name. Throws WORKFLOW_NOT_FOUND. */
export async function getWorkflow(ctx: Context, project: Project, name: string): Promise<Workflow> {
  const workflow = await findWorkflow(ctx.db, project.id, name);
  if (!workflow)
    throw new DomainError("WORKFLOW_NOT_FOUND", `The project ${project.key} has no workflow ${name}`);
  return workflow;
}

/** A project's workflows by name. Needs a viewer. Throws PROJECT_NOT_FOUND. */
export async function listWorkflows(ctx: Context, projectKey: string): Promise<Workflow[]> {
  const project = await getProject(ctx, projectKey);
  return await listAll(ctx.db, project.id);
}

/**
 * Changes a workflow; runs under way go on as they were started. Needs the project's admin, of a program a system admin.
 * Throws PROJECT_NOT_FOUND, WORKFLOW_NOT_FOUND, FORBIDDEN, INPUT_INVALID, WORKFLOW_EXISTS, CONNECTION_NOT_FOUND.
 */
export async function changeWorkflow(ctx: Context, input: ChangeWorkflow): Promise<Workflow> {
  const change = parseInput(WorkflowChange, input.change);
  return await inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "admin");
    const before = await getWorkflow(tx, project, input.name);
    if (before.provider === "command") requireSystemAdmin(tx);
    const after = await settleWorkflow(tx, before, change);
    await updateWorkflow(tx.db, after).catch((error: unknown) => {
      if (!isUniqueViolation(error, "workflows")) throw error;
      throw new DomainError("WORKFLOW_EXISTS", `The project ${project.key} has a workflow ${after.name}`);
    });
    await recordEvent(tx, {
      kind: "workflow.changed",
      projectId: project.id,
      subjectId: after.id,
      before,
      after,
    });
    return after;
  });
}
