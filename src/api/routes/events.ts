import type { FastifyPluginAsync } from "fastify";
import { exportEvents } from "../../audit/export-events.ts";
import { listEvents } from "../../audit/list-events.ts";
import { answer, answerLines } from "../answer.ts";
import { ExportEvents, ListEvents } from "../contract/events.ts";
import { pageOf } from "../page-of.ts";

export const eventRoutes: FastifyPluginAsync = async (app) => {
  answer(app, ListEvents, (ctx, { query }) =>
    listEvents(ctx, {
      projectKey: query.project ?? null,
      kinds: query.kind && [query.kind],
      subjectId: query.subject,
      newestFirst: query.order === "newest",
      page: pageOf(query),
    }),
  );
  answerLines(app, ExportEvents, (ctx, { query }) =>
    exportEvents(ctx, { projectKey: query.project ?? null }),
  );
};
