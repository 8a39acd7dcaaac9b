import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import type { Context } from "../../context.ts";
import { bindRun } from "../../workflows/bind-run.ts";
import { readBody } from "./read.ts";
import type { AviatorOptions } from "./routes.ts";
import { route, speakAviator } from "./speak-aviator.ts";
import { SyncBuildBody, SyncDeployBody } from "./wire.ts";

/**
 * What customers' workflows on GitHub call to say which run they are (notes, section 2.7). They wait 5 seconds and fail on
 * anything but 2xx, so the word is only written down here. To be registered with the prefix `/api/v1`.
 */
export const aviatorCallbacks =
  (ctx: Context, { authenticate }: AviatorOptions): FastifyPluginAsync =>
  async (app: FastifyInstance) => {
    speakAviator(app, ctx, authenticate);

    route(app, "POST", "/sync-deploy-github-action", async (request) => {
      const { deployment_id, workflow_run_id } = readBody(SyncDeployBody, request.body);
      await bindRun(request.ctx, { deploymentNumber: deployment_id, providerRun: workflow_run_id });
      return {};
    });

    route(app, "POST", "/sync-build-github-action", async (request) => {
      const { release_cut_id, workflow_run_id } = readBody(SyncBuildBody, request.body);
      await bindRun(request.ctx, { cutId: release_cut_id, providerRun: workflow_run_id });
      return {};
    });
  };
