import type { FastifyPluginAsync } from "fastify";
import type { Context } from "../../context.ts";
import { cancelDeployment } from "../../deployments/cancel-deployment.ts";
import { createDeployment } from "../../deployments/create-deployment.ts";
import type { Deployment } from "../../deployments/deployment.ts";
import { describeDeployment } from "../../deployments/describe-deployment.ts";
import { explainGates } from "../../deployments/explain-gates.ts";
import { listDeployments } from "../../deployments/list-deployments.ts";
import { reportDeployment } from "../../deployments/report-deployment.ts";
import { rollBackEnvironment } from "../../deployments/roll-back-environment.ts";
import { showPlaces } from "../../deployments/show-places.ts";
import { startAgain } from "../../deployments/start-again.ts";
import { answer } from "../answer.ts";
import {
  CancelDeployment,
  CreateDeployment,
  ExplainGates,
  GetDeployment,
  ListDeployments,
  ReportDeployment,
  RollBack,
  StartAgain,
} from "../contract/deployments.ts";
import { onlyOne } from "../only-one.ts";
import { pageOf } from "../page-of.ts";

export const deploymentRoutes: FastifyPluginAsync = async (app) => {
  answer(app, CreateDeployment, async (ctx, { params, body }) =>
    show(
      ctx,
      await createDeployment(ctx, { ...placeOf(params), version: body.version, force: body.force ?? null }),
    ),
  );
  answer(app, ListDeployments, async (ctx, { params, query }) => {
    const asked = { ...placeOf(params), status: query.status ?? null, page: pageOf(query) };
    const { items, next } = await listDeployments(ctx, asked);
    return { items: await showPlaces(ctx, items), next };
  });
  answer(app, ReportDeployment, async (ctx, { params, body }) =>
    show(ctx, await reportDeployment(ctx, { ...placeOf(params), ...body })),
  );
  answer(app, RollBack, async (ctx, { params, body }) => {
    const { version = null, skipRolledBack, force = null } = body;
    return show(ctx, await rollBackEnvironment(ctx, { ...placeOf(params), version, skipRolledBack, force }));
  });
  answer(app, ExplainGates, (ctx, { params, query }) =>
    explainGates(ctx, { ...placeOf(params), version: query.version }),
  );
  answer(app, GetDeployment, async (ctx, { params }) => {
    const { deployment, history, runs } = await describeDeployment(ctx, params.number);
    return { ...(await show(ctx, deployment)), history, runs };
  });
  answer(app, CancelDeployment, async (ctx, { params }) =>
    show(ctx, await cancelDeployment(ctx, params.number)),
  );
  answer(app, StartAgain, async (ctx, { params, body }) =>
    show(ctx, await startAgain(ctx, { number: params.number, force: body.force ?? null })),
  );
};

const placeOf = ({ project, environment }: { readonly project: string; readonly environment: string }) => ({
  project: { key: project },
  environment,
});

const show = async (ctx: Context, deployment: Deployment) => onlyOne(await showPlaces(ctx, [deployment]));
