import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { NOBODY } from "../access/actor.ts";
import type { Authenticate } from "../access/authenticate.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { requireStorable } from "../kernel/storable.ts";
import { sendError, sendRefusal } from "./errors.ts";
import { readJsonOnly } from "./json-body.ts";
import { methodsOf, type RouteList } from "./route-list.ts";
import { roleRoutes, signInRoutes, tokenRoutes, userRoutes } from "./routes/access.ts";
import { backupRoutes } from "./routes/backups.ts";
import { candidateRoutes } from "./routes/candidates.ts";
import { configurationRoutes } from "./routes/configuration.ts";
import { connectionRoutes } from "./routes/connections.ts";
import { deploymentRoutes } from "./routes/deployments.ts";
import { distributionRoutes } from "./routes/distributions.ts";
import { environmentRoutes } from "./routes/environments.ts";
import { eventRoutes } from "./routes/events.ts";
import { freezeRoutes } from "./routes/freezes.ts";
import { holdRoutes } from "./routes/holds.ts";
import { liveRoutes, type LiveSettings } from "./routes/live.ts";
import { matrixRoutes } from "./routes/matrix.ts";
import { projectRoutes } from "./routes/projects.ts";
import { releaseRoutes } from "./routes/releases.ts";
import { serviceRoutes } from "./routes/services.ts";
import { workflowRoutes } from "./routes/workflows.ts";

/** One plugin for each concept. */
const ROUTES = [
  signInRoutes,
  projectRoutes,
  serviceRoutes,
  connectionRoutes,
  releaseRoutes,
  distributionRoutes,
  workflowRoutes,
  environmentRoutes,
  candidateRoutes,
  deploymentRoutes,
  matrixRoutes,
  holdRoutes,
  freezeRoutes,
  userRoutes,
  roleRoutes,
  tokenRoutes,
  eventRoutes,
  configurationRoutes,
  backupRoutes,
];

export interface ApiOptions {
  /** Who shows this token. */
  readonly authenticate: Authenticate;
  /** Changes to how live streams keep time, and to how many there may be. */
  readonly live?: Partial<LiveSettings>;
}

/** Our own API; to be registered with the prefix `/v1`. */
export const api =
  (ctx: Context, options: ApiOptions): FastifyPluginAsync =>
  async (app) => {
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(serializerCompiler);
    readJsonOnly(app);
    app.setErrorHandler(sendError);
    answerUnknownRoutes(app);
    identifyCallers(app, ctx, options);
    app.addHook("preValidation", async ({ params, query, body }) => {
      for (const part of [params, query, body]) requireStorable(part);
    });
    for (const routes of ROUTES) await app.register(routes);
    await app.register(liveRoutes(ctx, options.live));
  };

/** Gives each request its context. Without a good token only open routes go on. */
function identifyCallers(app: FastifyInstance, ctx: Context, { authenticate }: ApiOptions): void {
  app.decorateRequest("ctx", null as never);
  app.decorateRequest("identify", null as never);
  app.addHook("onRequest", async (request) => {
    const origin = { address: request.ip, requestId: request.id };
    const nobody: Context = {
      ...ctx,
      log: ctx.log.child({ requestId: request.id }),
      actor: { ...NOBODY, ...origin },
    };
    request.ctx = nobody;
    if (request.routeOptions.config.open) return;
    request.identify = async () => ({
      ...nobody,
      actor: await authenticate(nobody, bearerToken(request), origin),
    });
    request.ctx = await request.identify();
  });
}

const HINT = "Send a token as `Authorization: Bearer hg_…`; `headgate login` or POST /v1/sign-in make one";

function bearerToken(request: FastifyRequest): string {
  // The admin token of the settings may be any text, also one with blanks inside.
  const token = /^Bearer +(\S.*)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) throw new DomainError("UNAUTHENTICATED", HINT);
  return token;
}

function answerUnknownRoutes(app: FastifyInstance): void {
  const routes: RouteList = [];
  app.addHook("onRoute", (route) => {
    routes.push({ methods: [route.method].flat(), path: route.url });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = new URL(request.url, "http://any").pathname;
    const allowed = methodsOf(routes, path);
    if (allowed.length === 0)
      return sendRefusal(request, reply, {
        code: "ROUTE_UNKNOWN",
        status: 404,
        detail: `There is no ${path} here; /docs lists every route`,
      });
    void reply.header("allow", allowed.join(", "));
    return sendRefusal(request, reply, {
      code: "METHOD_NOT_ALLOWED",
      status: 405,
      detail: `${request.method} does not go here; ${allowed.join(", ")} would`,
    });
  });
}
