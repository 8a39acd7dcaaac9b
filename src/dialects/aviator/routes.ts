import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import { idempotentlyPrepared } from "../../access/idempotent-request.ts";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";
import { createDeployment } from "../../deployments/create-deployment.ts";
import { Deployment } from "../../deployments/deployment.ts";
import { listDeploymentsByNumber } from "../../deployments/list-deployments.ts";
import { reportDeployment } from "../../deployments/report-deployment.ts";
import { rollBackEnvironment } from "../../deployments/roll-back-environment.ts";
import { prepareCut } from "../../releases/cut-release.ts";
import { ProjectKey } from "../../projects/project.ts";
import { ReleaseCandidate } from "../../releases/release-candidate.ts";
import { addPageHeaders, presentCandidate, presentDeployment } from "./present.ts";
import { wantsRepresentation } from "./preference.ts";
import { forceIn, pageIn, placeIn, projectIn, readBody, versionIn } from "./read.ts";
import { route, speakAviator } from "./speak-aviator.ts";
import { formFirst, requireCandidate } from "./syntax-first.ts";
import { CutBody, DeployBody, ReportBody, RollbackBody } from "./wire.ts";

export interface AviatorOptions {
  readonly authenticate: Authenticate;
}

const DEPLOYMENTS = "/:project/environments/:environment/deployments";

/** Aviator's Releases API; to be registered with the prefix `/api/releases`. */
export const aviatorReleases =
  (ctx: Context, { authenticate }: AviatorOptions): FastifyPluginAsync =>
  async (app) => {
    speakAviator(app, ctx, authenticate);
    cutRoute(app);
    deploymentRoutes(app);
    rollbackRoute(app);
  };

/** What a repeated cut is answered from. */
const KeptCut = z.object({ candidate: ReleaseCandidate, projectKey: ProjectKey });

function cutRoute(app: FastifyInstance): void {
  route(app, "POST", "/:project/releases/:version", async (request, reply) => {
    const version = versionIn(request);
    // The document lists the wrong version before all that may be unknown.
    requireCandidate(version);
    const body = readBody(CutBody, request.body);
    const input = {
      project: projectIn(request),
      version,
      repository: body.repo,
      commit: body.commit,
      build: body.trigger_build_workflow,
    };
    const { candidate, projectKey } = await once(request, reply, KeptCut, input, (own) =>
      prepareCut(own, input),
    );
    void reply
      .status(201)
      .header("location", `/v1/projects/${projectKey}/candidates/${encodeURIComponent(candidate.version)}`)
      .header("x-release-id", candidate.releaseId);
    return sendShown(request, reply, presentCandidate(candidate));
  });
}

function deploymentRoutes(app: FastifyInstance): void {
  route(app, "POST", DEPLOYMENTS, async (request, reply) => {
    const place = placeIn(request);
    const body = readBody(DeployBody, request.body);
    const version = body.release_candidate_version;
    const input = { ...place, version, force: forceIn(body) };
    const deployment = await formFirst(version, () =>
      once(request, reply, Deployment, input, async () => (tx) => createDeployment(tx, input)),
    );
    nameMade(reply, deployment);
    return sendShown(request, reply, presentDeployment(deployment, place.environment));
  });

  route(app, "PATCH", DEPLOYMENTS, async (request, reply) => {
    const place = placeIn(request);
    const {
      release_candidate_version: version,
      status,
      error_message: message,
    } = readBody(ReportBody, request.body);
    const deployment = await formFirst(version, () =>
      reportDeployment(request.ctx, { ...place, version, status, message }),
    );
    void reply.status(200).header("x-deployment-id", String(deployment.number));
    return sendShown(request, reply, presentDeployment(deployment, place.environment));
  });

  route(app, "GET", DEPLOYMENTS, async (request, reply) => {
    const page = pageIn(request);
    const found = await listDeploymentsByNumber(request.ctx, { ...placeIn(request), page });
    addPageHeaders(reply, request.url.split("?")[0] ?? "", page, found.total);
    return found.items.map((item) => presentDeployment(item, found.environmentName));
  });
}

function rollbackRoute(app: FastifyInstance): void {
  route(app, "POST", "/:project/environments/:environment/rollback", async (request, reply) => {
    const place = placeIn(request);
    const body = readBody(RollbackBody, request.body);
    const input = {
      ...place,
      version: body.release_candidate_version,
      skipRolledBack: body.skip_rolled_back,
      force: forceIn(body),
    };
    const deployment = await once(
      request,
      reply,
      Deployment,
      input,
      async () => (tx) => rollBackEnvironment(tx, input),
    );
    nameMade(reply, deployment);
    return presentDeployment(deployment, place.environment);
  });
}

/** With an Idempotency-Key, what the first such request made. */
async function once<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  schema: z.ZodType<T>,
  asked: unknown,
  prepare: (ctx: Context) => Promise<(tx: Context) => Promise<T>>,
): Promise<T> {
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string") return (await prepare(request.ctx))(request.ctx);
  const what = { route: `${request.method} ${request.routeOptions.url ?? ""}`, key, request: asked };
  const done = await idempotentlyPrepared(request.ctx, what, { schema, secretField: null }, prepare);
  if (done.replayed) void reply.header("idempotency-replayed", "true");
  return done.reply;
}

const nameMade = (reply: FastifyReply, { number }: Deployment): void =>
  void reply
    .status(201)
    .header("location", `/v1/deployments/${number}`)
    .header("x-deployment-id", String(number));

/** The document's answers are empty; whoever prefers to see what came of it does. */
function sendShown(request: FastifyRequest, reply: FastifyReply, shown: object): FastifyReply {
  if (wantsRepresentation(request))
    return reply.header("preference-applied", "return=representation").send(shown);
  return reply.header("content-length", "0").send();
}
