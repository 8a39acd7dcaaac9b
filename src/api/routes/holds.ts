import type { FastifyPluginAsync } from "fastify";
import { liftHold, liftHolds, listHolds } from "../../deployments/lift-hold.ts";
import { showPlaces } from "../../deployments/show-places.ts";
import { answer } from "../answer.ts";
import { LiftEnvironmentHolds, LiftHold, ListEnvironmentHolds, ListHolds } from "../contract/holds.ts";

export const holdRoutes: FastifyPluginAsync = async (app) => {
  answer(app, ListHolds, async (ctx, { params: { project } }) => ({
    items: await showPlaces(ctx, await listHolds(ctx, { projectKey: project, environment: null })),
  }));
  answer(app, ListEnvironmentHolds, async (ctx, { params: { project, environment } }) => ({
    items: await showPlaces(ctx, await listHolds(ctx, { projectKey: project, environment })),
  }));
  answer(app, LiftHold, (ctx, { params: { project, environment, version } }) =>
    liftHold(ctx, { projectKey: project, environment, version }),
  );
  answer(app, LiftEnvironmentHolds, (ctx, { params: { project, environment } }) =>
    liftHolds(ctx, { projectKey: project, environment }),
  );
};
