import type { FastifyPluginAsync } from "fastify";
import { applyConfiguration } from "../../projects/apply-configuration.ts";
import { planConfiguration } from "../../projects/plan-configuration.ts";
import { answer } from "../answer.ts";
import { ApplyConfiguration, PlanConfiguration } from "../contract/configuration.ts";

export const configurationRoutes: FastifyPluginAsync = async (app) => {
  answer(app, PlanConfiguration, (ctx, { body }) => planConfiguration(ctx, body));
  answer(app, ApplyConfiguration, (ctx, { body: { fingerprint, ...configuration } }) =>
    applyConfiguration(ctx, { configuration, fingerprint }),
  );
};
