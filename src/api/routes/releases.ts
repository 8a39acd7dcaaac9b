import type { FastifyPluginAsync } from "fastify";
import { prepareRelease } from "../../releases/prepare-release.ts";
import { deleteRelease } from "../../releases/delete-release.ts";
import { getRelease, getReleaseById } from "../../releases/get-release.ts";
import { listLabels } from "../../releases/list-labels.ts";
import { listReleases } from "../../releases/list-releases.ts";
import { answer, answerPrepared } from "../answer.ts";
import {
  CreateRelease,
  DeleteRelease,
  GetRelease,
  GetReleaseByVersion,
  ListLabels,
  ListReleases,
} from "../contract/releases.ts";
import { pageOf } from "../page-of.ts";
import { releaseLine, releaseReply } from "./release-reply.ts";

export const releaseRoutes: FastifyPluginAsync = async (app) => {
  answerPrepared(app, CreateRelease, async (ctx, { params, body }) => {
    const { targetConnection, ...rest } = body;
    const input = { ...rest, projectKey: params.project, targetConnectionId: targetConnection };
    const record = await prepareRelease(ctx, { ...input, createdBy: ctx.actor.name });
    return async (tx) => releaseReply(await record(tx));
  });
  answer(app, ListReleases, async (ctx, { params, query }) => {
    const { status = null, label = null } = query;
    const asked = { projectKey: params.project, status, label, page: pageOf(query) };
    const { items, next } = await listReleases(ctx, asked);
    return { items: items.map(releaseLine), next };
  });
  answer(app, GetReleaseByVersion, async (ctx, { params }) =>
    releaseReply(await getRelease(ctx, { projectKey: params.project, version: params.version })),
  );
  answer(app, GetRelease, async (ctx, { params }) => releaseReply(await getReleaseById(ctx, params.release)));
  answer(app, DeleteRelease, (ctx, { params }) =>
    deleteRelease(ctx, { contentId: params.release, projectKey: null }),
  );
  answer(app, ListLabels, async (ctx, { params }) => ({ items: await listLabels(ctx, params.project) }));
};
