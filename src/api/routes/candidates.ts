import type { FastifyPluginAsync } from "fastify";
import { prepareCut } from "../../releases/cut-release.ts";
import { getCandidate } from "../../releases/get-candidate.ts";
import { listCandidates, withMarks } from "../../releases/list-candidates.ts";
import { liftBadMark, markBad } from "../../releases/mark-bad.ts";
import { answer, answerPrepared } from "../answer.ts";
import { CutCandidate, GetCandidate, LiftBadMark, ListCandidates, MarkBad } from "../contract/candidates.ts";
import { onlyOne } from "../only-one.ts";
import { pageOf } from "../page-of.ts";

export const candidateRoutes: FastifyPluginAsync = async (app) => {
  answerPrepared(app, CutCandidate, async (ctx, { params: { project }, body }) => {
    const record = await prepareCut(ctx, { ...body, project: { key: project } });
    return async (tx) => {
      const { candidate, isNew } = await record(tx);
      return { ...onlyOne(await withMarks(tx, candidate.projectId, [candidate])), project, isNew };
    };
  });
  answer(app, ListCandidates, async (ctx, { params: { project }, query }) => {
    const { items, next } = await listCandidates(ctx, { projectKey: project, page: pageOf(query) });
    return { items: items.map((candidate) => ({ ...candidate, project })), next };
  });
  answer(app, GetCandidate, async (ctx, { params: { project, version } }) => {
    const { candidate, badMark, runs } = await getCandidate(ctx, { projectKey: project, version });
    return {
      ...candidate,
      project,
      isBad: badMark !== null,
      badMark: badMark && { ...badMark, project },
      runs,
    };
  });
  answer(app, MarkBad, async (ctx, { params: { project, version }, body }) => ({
    ...(await markBad(ctx, { projectKey: project, version, reason: body.reason })),
    project,
  }));
  answer(app, LiftBadMark, (ctx, { params: { project, version } }) =>
    liftBadMark(ctx, { projectKey: project, version }),
  );
};
