import type { FastifyPluginAsync } from "fastify";
import type { Context } from "../../context.ts";
import { getProject } from "../../projects/get-project.ts";
import { changeWorkflow, getWorkflow, listWorkflows } from "../../workflows/change-workflow.ts";
import { createWorkflow } from "../../workflows/create-workflow.ts";
import { showWorkflows } from "../../workflows/show-workflows.ts";
import type { Workflow } from "../../workflows/workflow.ts";
import { answer } from "../answer.ts";
import { ChangeWorkflow, CreateWorkflow, GetWorkflow, ListWorkflows } from "../contract/workflows.ts";
import { onlyOne } from "../only-one.ts";

export const workflowRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateWorkflow, async (ctx, { params, body }) =>
    show(ctx, await createWorkflow(ctx, { projectKey: params.project, draft: body })),
  );
  answer(app, ListWorkflows, async (ctx, { params }) => ({
    items: await showWorkflows(ctx, await listWorkflows(ctx, params.project)),
  }));
  answer(app, GetWorkflow, async (ctx, { params }) =>
    show(ctx, await getWorkflow(ctx, await getProject(ctx, params.project), params.workflow)),
  );
  answer(app, ChangeWorkflow, async (ctx, { params, body }) =>
    show(ctx, await changeWorkflow(ctx, { projectKey: params.project, name: params.workflow, change: body })),
  );
};

const show = async (ctx: Context, workflow: Workflow) => onlyOne(await showWorkflows(ctx, [workflow]));
