import type { FastifyPluginAsync } from "fastify";
import type { Context } from "../../context.ts";
import { changeProject } from "../../projects/change-project.ts";
import { createProject } from "../../projects/create-project.ts";
import { getProject } from "../../projects/get-project.ts";
import { listProjects } from "../../projects/list-projects.ts";
import type { Project } from "../../projects/project.ts";
import { showProjects } from "../../projects/show-projects.ts";
import { answer } from "../answer.ts";
import { ChangeProject, CreateProject, GetProject, ListProjects } from "../contract/projects.ts";
import { onlyOne } from "../only-one.ts";
import { pageOf } from "../page-of.ts";

export const projectRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateProject, async (ctx, { body }) =>
    show(ctx, await createProject(ctx, { ...body, name: body.name ?? body.key })),
  );
  answer(app, ListProjects, async (ctx, { query }) => {
    const { items, next } = await listProjects(ctx, pageOf(query));
    return { items: await showProjects(ctx, items), next };
  });
  answer(app, GetProject, async (ctx, { params }) => show(ctx, await getProject(ctx, params.project)));
  answer(app, ChangeProject, async (ctx, { params, body }) =>
    show(ctx, await changeProject(ctx, { ...body, key: params.project })),
  );
};

const show = async (ctx: Context, project: Project) => onlyOne(await showProjects(ctx, [project]));
