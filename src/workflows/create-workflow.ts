import { requireRole, requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "../projects/get-project.ts";
import { settleWorkflow } from "./settle-workflow.ts";
import { type Workflow, WorkflowDraft } from "./workflow.ts";
import { insertWorkflow } from "./workflow-store.ts";

export interface CreateWorkflow {
  readonly projectKey: string;
  readonly draft: WorkflowDraft;
}

/**
 * Makes a workflow of a project. Needs its admin; one that runs a program needs a system admin, for it runs as the server.
 * Throws PROJECT_NOT_FOUND, FORBIDDEN, INPUT_INVALID, WORKFLOW_EXISTS, CONNECTION_NOT_FOUND.
 */
export async function createWorkflow(ctx: Context, input: CreateWorkflow): Promise<Workflow> {
  const { name, provider, target, ...change } = parseInput(WorkflowDraft, input.draft);
  return await inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "admin");
    if (provider === "command") requireSystemAdmin(tx);
    const now = tx.now();
    const blank: Workflow = {
      id: newId(now),
      projectId: project.id,
      name,
      provider,
      connectionId: null,
      repository: null,
      target,
      ref: null,
      parameters: [],
      showsIds: false,
      createdAt: now,
      updatedAt: now,
    };
    const workflow = await settleWorkflow(tx, blank, change);
    if (!(await insertWorkflow(tx.db, workflow)))
      throw new DomainError("WORKFLOW_EXISTS", `The project ${project.key} has a workflow ${name}`);
    await recordEvent(tx, {
      kind: "workflow.created",
      projectId: project.id,
      subjectId: workflow.id,
      after: workflow,
    });
    return workflow;
  });
}
