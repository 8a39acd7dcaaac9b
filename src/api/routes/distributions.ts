import type { FastifyPluginAsync } from "fastify";
import type { Context } from "../../context.ts";
import { getDistributionProgress } from "../../distributions/get-distribution-progress.ts";
import { retryDistribution } from "../../distributions/retry-distribution.ts";
import { DomainError } from "../../kernel/errors.ts";
import { getReleaseById } from "../../releases/get-release.ts";
import type { ReleaseView } from "../../releases/release-view.ts";
import { answer } from "../answer.ts";
import { GetDistribution, ListDistributions, RetryDistribution } from "../contract/distributions.ts";
import { distributionReply } from "./release-reply.ts";

export const distributionRoutes: FastifyPluginAsync = async (app) => {
  answer(app, ListDistributions, async (ctx, { params }) => ({
    items: [await replyFor(ctx, await getReleaseById(ctx, params.release))],
    next: null,
  }));
  answer(app, GetDistribution, async (ctx, { params }) => {
    const view = await getReleaseById(ctx, params.release);
    if (view.distribution.id !== params.distribution) throw new DomainError("DISTRIBUTION_NOT_FOUND");
    return replyFor(ctx, view);
  });
  answer(app, RetryDistribution, async (ctx, { params }) => {
    const { id, contentId, status, attempt } = await retryDistribution(ctx, {
      contentId: params.release,
      projectKey: null,
    });
    return { id, releaseId: contentId, status, attempt };
  });
};

const replyFor = async (ctx: Context, view: ReleaseView) =>
  distributionReply(view, await getDistributionProgress(ctx, view.distribution.id));
