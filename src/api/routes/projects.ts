import type { FastifyPluginAsync } from "fastify";
import { changeProject } from "../../projects/change-project.ts";
import { createProject } from "../../projects/create-project.ts";
import { getProject } from "../../projects/get-project.ts";
import { listProjects } from "../../projects/list-projects.ts";
import { answer } from "../answer.ts";
import { ChangeProject, CreateProject, GetProject, ListProjects } from "../contract/projects.ts";
import { pageOf } from "../page-of.ts";

export const projectRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateProject, (ctx, { body }) => createProject(ctx, { ...body, name: body.name ?? body.key }));
  answer(app, ListProjects, (ctx, { query }) => listProjects(ctx, pageOf(query)));
  answer(app, GetProject, (ctx, { params }) => getProject(ctx, params.project));
  answer(app, ChangeProject, (ctx, { params, body }) => changeProject(ctx, { ...body, key: params.project }));
};
