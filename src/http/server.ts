import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { api } from "../api/api.ts";
import { sendError } from "../api/errors.ts";
import { referencePage } from "../api/reference-page.ts";
import type { Authenticate } from "../access/authenticate.ts";
import type { Context } from "../context.ts";
import { aviatorCallbacks } from "../dialects/aviator/callbacks.ts";
import { aviatorReleases } from "../dialects/aviator/routes.ts";
import { oci } from "../dialects/oci/routes.ts";
import { zadigDelivery, zadigLabels } from "../dialects/zadig/delivery/routes.ts";
import { newId } from "../kernel/id.ts";
import { healthRoutes } from "./health.ts";
import { admitToMetrics } from "./admit-to-metrics.ts";
import { type Figures, type Metrics, metricsRoute } from "./metrics.ts";
import { logRequests } from "./request-log.ts";
import { signUpRoutes } from "./sign-up.ts";
import { cutSlowBodies } from "./slow-bodies.ts";
import { answerUnreadableAddress } from "./unreadable-address.ts";
import { webhookRoutes } from "./webhooks.ts";

export interface ServerOptions {
  readonly authenticate: Authenticate;
  /** True: the one proxy in front is believed; otherwise the ones named. */
  readonly trustProxy: boolean | string[];
  readonly openMetrics: boolean;
  /** False: the registry inside answers nothing here. */
  readonly registryInside: boolean;
  /** Where clients reach this server; known once it listens. */
  readonly publicUrl: () => string;
  /** Throws when the server cannot serve. */
  readonly isReady: () => Promise<void>;
  readonly metrics: Metrics;
  readonly readFigures: () => Promise<Figures>;
}

/** A proxy knows its own client; what that client wrote into the header before may be anybody's invention. */
const onlyTheNearest = (_address: string, hop: number): boolean => hop === 0;

const notOurs = (): never => {
  throw new Error("Schemas are those of zod: a plugin with schemas sets its own compilers");
};
/** Fastify's own compilers of JSON Schema cost time and memory at the start, and nothing here uses them. */
const NO_JSON_SCHEMA = {
  compilersFactory: { buildValidator: () => notOurs, buildSerializer: () => notOurs },
};

/** The HTTP side of the program: every API under its own prefix, each with its own errors. */
export async function buildServer(ctx: Context, options: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: ctx.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId(new Date()),
    trustProxy: options.trustProxy === true ? onlyTheNearest : options.trustProxy,
    forceCloseConnections: true,
    frameworkErrors: answerUnreadableAddress,
    schemaController: NO_JSON_SCHEMA,
    routerOptions: { maxParamLength: 2048 },
  });
  logRequests(app);
  cutSlowBodies(app);
  // Whatever has no form of its own; none of the unforeseen is told to strangers.
  app.setErrorHandler(sendError);
  healthRoutes(app, options.isReady);
  const { authenticate, metrics, readFigures } = options;
  metricsRoute(app, { metrics, readFigures, admit: (request) => admitToMetrics(ctx, options, request) });
  await app.register(api(ctx, { authenticate }), { prefix: "/v1" });
  await app.register(zadigDelivery(ctx, { authenticate }), { prefix: "/openapi" });
  await app.register(zadigLabels(ctx, { authenticate }), { prefix: "/api/aslan" });
  await app.register(aviatorReleases(ctx, { authenticate }), { prefix: "/api/releases" });
  await app.register(aviatorCallbacks(ctx, { authenticate }), { prefix: "/api/v1" });
  if (options.registryInside)
    await app.register(oci(ctx, { authenticate, publicUrl: options.publicUrl }), { prefix: "/v2" });
  await app.register(referencePage);
  await app.register(signUpRoutes(ctx));
  await app.register(webhookRoutes(ctx));
  return app;
}
