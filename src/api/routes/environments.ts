import type { FastifyPluginAsync } from "fastify";
import type { Context } from "../../context.ts";
import { changeEnvironment } from "../../environments/change-environment.ts";
import { createEnvironment } from "../../environments/create-environment.ts";
import type { Environment } from "../../environments/environment.ts";
import { getEnvironment } from "../../environments/get-environment.ts";
import { listEnvironments } from "../../environments/list-environments.ts";
import { showEnvironments } from "../../environments/show-environments.ts";
import { getProject } from "../../projects/get-project.ts";
import { answer } from "../answer.ts";
import {
  ChangeEnvironment,
  CreateEnvironment,
  GetEnvironment,
  ListEnvironments,
} from "../contract/environments.ts";
import { onlyOne } from "../only-one.ts";

export const environmentRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateEnvironment, async (ctx, { params, body }) =>
    show(ctx, await createEnvironment(ctx, { projectKey: params.project, draft: body })),
  );
  answer(app, ListEnvironments, async (ctx, { params }) => {
    const environments = await listEnvironments(ctx, params.project);
    return { items: (await showEnvironments(ctx, environments)).map(withCount) };
  });
  answer(app, GetEnvironment, async (ctx, { params }) =>
    show(ctx, await getEnvironment(ctx, await getProject(ctx, params.project), params.environment)),
  );
  answer(app, ChangeEnvironment, async (ctx, { params, body }) =>
    show(
      ctx,
      await changeEnvironment(ctx, { projectKey: params.project, name: params.environment, change: body }),
    ),
  );
};

const show = async (ctx: Context, environment: Environment) =>
  withCount(onlyOne(await showEnvironments(ctx, [environment])));

const withCount = <E extends Environment>(environment: E) => ({
  ...environment,
  deployments: environment.lastDeployment,
});
