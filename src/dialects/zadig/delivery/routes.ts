import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import * as z from "zod";
import { idempotentlyPrepared } from "../../../access/idempotent-request.ts";
import type { Authenticate } from "../../../access/authenticate.ts";
import type { Context } from "../../../context.ts";
import { retryDistribution } from "../../../distributions/retry-distribution.ts";
import { DomainError, isDomainError } from "../../../kernel/errors.ts";
import { Id } from "../../../kernel/id.ts";
import { deleteRelease } from "../../../releases/delete-release.ts";
import { getRelease, getReleaseById } from "../../../releases/get-release.ts";
import { listLabels } from "../../../releases/list-labels.ts";
import { listReleasesByNumber } from "../../../releases/list-releases.ts";
import { prepareRelease } from "../../../releases/prepare-release.ts";
import type { ReleaseView } from "../../../releases/release-view.ts";
import { BadRequest, ERROR_CLASSES } from "../errors.ts";
import { speakZadig } from "../speak-zadig.ts";
import { hideUnknownProjects } from "./hide-unknown-projects.ts";
import { presentDetail, presentLine } from "./present.ts";
import { listQuery, queryText, readBody } from "./query.ts";
import { readCreate } from "./read.ts";
import { registryRoutes } from "./registries.ts";
import { CreateK8sBody, RetryFields } from "./wire.ts";

/** What a handler with nothing to return sends. */
const SUCCESS = { message: "success" };

interface ById {
  Params: { id: string };
}

export interface ZadigOptions {
  readonly authenticate: Authenticate;
}

/** Zadig's version management and its registry list; to be registered with the prefix `/openapi`. */
export const zadigDelivery =
  (ctx: Context, { authenticate }: ZadigOptions): FastifyPluginAsync =>
  async (app) => {
    speakZadig(app, ctx, authenticate);
    readRoutes(app);
    writeRoutes(app);
    labelRoute(app);
    registryRoutes(app);
  };

/** The labels where Zadig's own pages look for them; to be registered with the prefix `/api/aslan`. */
export const zadigLabels =
  (ctx: Context, { authenticate }: ZadigOptions): FastifyPluginAsync =>
  async (app) => {
    speakZadig(app, ctx, authenticate);
    labelRoute(app);
  };

function labelRoute(app: FastifyInstance): void {
  app.get("/delivery/releases/labels", { config: { zadigClass: "read" } }, async (request) => {
    const projectKey = queryText(request, "projectKey") || queryText(request, "projectName");
    if (projectKey === "") throw new BadRequest("projectKey can't be empty!");
    return hideUnknownProjects(request.ctx, () => listLabels(request.ctx, projectKey));
  });
}

function readRoutes(app: FastifyInstance): void {
  const config = { zadigClass: "read" } as const;

  app.get("/delivery/releases", { config }, async (request) => {
    const asked = listQuery(request);
    const { items, total } = await hideUnknownProjects(request.ctx, () =>
      listReleasesByNumber(request.ctx, asked),
    );
    return { list: items.map(presentLine), total };
  });

  app.get("/delivery/releases/detail", { config }, async (request) => {
    const projectKey = queryText(request, "projectKey");
    const version = queryText(request, "versionName");
    if (projectKey === "") throw new BadRequest("projectKey can't be empty!");
    if (version === "") throw new BadRequest("versionName can't be empty!");
    const view = await hideUnknownProjects(request.ctx, () =>
      getRelease(request.ctx, { projectKey, version }),
    );
    return trimmed(request, view);
  });

  app.get<ById>("/delivery/releases/:id", { config }, async (request) =>
    trimmed(request, await getReleaseById(request.ctx, idFrom(request.params.id))),
  );
}

/** All names of all generations of clients, or those of one. */
function trimmed(request: FastifyRequest, view: ReleaseView) {
  const { flat, legacy, v4 } = presentDetail(view);
  const asked = queryText(request, "view");
  if (asked === "flat") return flat;
  if (asked === "legacy") return legacy;
  if (asked === "v4") return v4;
  if (asked !== "") throw new BadRequest("view must be flat, legacy or v4");
  return { ...v4, ...flat, ...legacy };
}

function writeRoutes(app: FastifyInstance): void {
  app.post("/delivery/releases/k8s", { config: { zadigClass: "create" } }, async (request, reply) => {
    const body = readBody(CreateK8sBody, request.body);
    const id = await hideUnknownProjects(request.ctx, () => createOnce(request, body, reply));
    return reply
      .header("location", `/openapi/delivery/releases/${id}`)
      .header("x-release-id", id)
      .send(SUCCESS);
  });

  app.post("/delivery/releases/helm", { config: { zadigClass: "create" } }, async () => {
    throw new DomainError("NOT_IMPLEMENTED", "Versions of Helm charts are not served yet");
  });

  app.post("/delivery/releases/retry", { config: { zadigClass: "create" } }, async (request) => {
    const { id, projectKey } = retryFields(request);
    const retry = () => retryDistribution(request.ctx, { contentId: id, projectKey });
    await hideUnknownProjects(request.ctx, retry);
    return SUCCESS;
  });

  app.delete<ById>("/delivery/releases/:id", { config: { zadigClass: "delete" } }, async (request) => {
    const projectKey = queryText(request, "projectKey");
    if (projectKey === "") throw new BadRequest("projectKey can't be empty!");
    const contentId = idFrom(request.params.id);
    const remove = () => deleteRelease(request.ctx, { contentId, projectKey });
    await hideUnknownProjects(request.ctx, remove).catch((error: unknown) => unlessUnknown(error, contentId));
    return SUCCESS;
  });
}

/** The id of the new version; with an Idempotency-Key, of the one that the first such request made. */
async function createOnce(
  request: FastifyRequest,
  body: CreateK8sBody,
  reply: FastifyReply,
): Promise<string> {
  const input = readCreate(body, request.ctx.actor.name);
  const prepare = async (ctx: Context) => {
    const record = await prepareRelease(ctx, input);
    return async (tx: Context) => (await record(tx)).content.id;
  };
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string") return (await prepare(request.ctx))(request.ctx);
  const asked = { route: "POST /openapi/delivery/releases/k8s", key, request: body };
  const once = await idempotentlyPrepared(
    request.ctx,
    asked,
    { schema: z.string(), secretField: null },
    prepare,
  );
  if (once.replayed) void reply.header("idempotency-replayed", "true");
  return once.reply;
}

/** Body first, then query: the seed says the one, Zadig reads the other. */
function retryFields(request: FastifyRequest): { readonly id: string; readonly projectKey: string } {
  const body = readBody(RetryFields, request.body ?? {});
  const id = idFrom(body.id || queryText(request, "id"));
  const projectKey =
    body.projectKey ||
    body.project_key ||
    queryText(request, "projectKey") ||
    queryText(request, "project_key");
  if (id === "") throw new BadRequest("id can't be empty!");
  if (projectKey === "") throw new BadRequest("projectName can't be empty!");
  return { id, projectKey };
}

/** Zadig's ids are ObjectIDs, which may be written in upper case. */
const idFrom = (text: string): string => text.toLowerCase();

/** Deleting what is not there succeeds, as in Zadig, unless it never could be there. */
function unlessUnknown(error: unknown, id: string): void {
  if (!isDomainError(error, "RELEASE_NOT_FOUND", "PROJECT_NOT_FOUND")) throw error;
  if (Id.safeParse(id).success) return;
  const words = `failed to delete delivery version, ID: ${id}, error: ${ERROR_CLASSES.delete.message}: `;
  throw new DomainError("INPUT_INVALID", words);
}
