import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { sendError } from "../api/errors.ts";
import type { Context } from "../context.ts";
import { newId } from "../kernel/id.ts";
import { admitToMetrics, type MetricsReaders } from "./admit-to-metrics.ts";
import { healthRoutes } from "./health.ts";
import { type Figures, type Metrics, metricsRoute } from "./metrics.ts";
import { logRequests } from "./request-log.ts";

export interface WorkerServerOptions extends MetricsReaders {
  readonly isReady: () => Promise<void>;
  readonly metrics: Metrics;
  readonly readFigures: () => Promise<Figures>;
}

/** What a worker answers where it is told to listen: health and metrics, and no API. */
export function buildWorkerServer(ctx: Context, options: WorkerServerOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId(new Date()),
    forceCloseConnections: true,
  });
  logRequests(app);
  app.setErrorHandler(sendError);
  healthRoutes(app, options.isReady);
  const { metrics, readFigures } = options;
  metricsRoute(app, { metrics, readFigures, admit: (request) => admitToMetrics(ctx, options, request) });
  return app;
}
