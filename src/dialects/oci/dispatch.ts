import type { FastifyReply, FastifyRequest } from "fastify";
import { allows } from "../../repositories/registry-token.ts";
import { type Caller, isCovered } from "./authenticate.ts";
import { blobRoutes } from "./blob-routes.ts";
import { OciError } from "./errors.ts";
import { catalogRoutes, referrersRoutes, tagsRoutes } from "./list-routes.ts";
import { manifestRoutes } from "./manifest-routes.ts";
import { queryOf } from "./read.ts";
import type { Method, Route, RoutesOf } from "./route.ts";
import type { TargetKind, Targets } from "./target.ts";
import { uploadRoutes, uploadsRoutes } from "./upload-routes.ts";

/** Paths that need a caller. */
type ServedKind = Exclude<TargetKind, "token">;
/** Spec 1.1, "Determining Support". */
const ping: Route<"ping"> = { needs: null, handle: async ({ reply }) => reply.send({}) };

const ROUTES: { readonly [Kind in ServedKind]: RoutesOf<Kind> } = {
  ping: { GET: ping, HEAD: ping },
  catalog: catalogRoutes,
  uploads: uploadsRoutes,
  upload: uploadRoutes,
  blob: blobRoutes,
  manifest: manifestRoutes,
  tags: tagsRoutes,
  referrers: referrersRoutes,
};

/** Answers a request of a known caller. Throws what the use case does, and UNSUPPORTED, UNAUTHORIZED. */
export function dispatch<Kind extends ServedKind>(
  target: Targets[Kind] & { readonly kind: Kind },
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const routes: RoutesOf<Kind> = ROUTES[target.kind];
  const route = routes[request.method as Method];
  if (!route) throw new OciError(405, "UNSUPPORTED", `${request.method} means nothing here`);
  const { ctx, access } = caller;
  if (!isCovered(access, target, route.needs))
    throw new OciError(
      401,
      "UNAUTHORIZED",
      "The token is not good for this: ask for one with the scope named",
    );
  const mayPull = (repository: string): boolean => access === null || allows(access, repository, "pull");
  return route.handle({ ctx, mayPull, request, reply, query: queryOf(request) }, target);
}
