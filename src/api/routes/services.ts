import type { FastifyPluginAsync } from "fastify";
import { createService } from "../../projects/create-service.ts";
import { listServices } from "../../projects/list-services.ts";
import { answer } from "../answer.ts";
import { CreateService, ListServices } from "../contract/services.ts";
import { pageOf } from "../page-of.ts";

export const serviceRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateService, (ctx, { params, body }) =>
    createService(ctx, { projectKey: params.project, name: body.name }),
  );
  answer(app, ListServices, (ctx, { params, query }) =>
    listServices(ctx, { projectKey: params.project, page: pageOf(query) }),
  );
};
