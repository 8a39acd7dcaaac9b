import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";
import { challenge, identify, readCredential } from "./authenticate.ts";
import { dispatch } from "./dispatch.ts";
import { errorBody, OciError, type Refusal, refusalOf } from "./errors.ts";
import { METHODS } from "./route.ts";
import { readTarget } from "./target.ts";
import { answerToken } from "./token-route.ts";
import { API_VERSION, HEADER } from "./wire.ts";

/** What the registry inside has to be told. */
export interface OciOptions {
  readonly authenticate: Authenticate;
  /** Where clients reach this server, without a path: `https://headgate.example.com`. */
  readonly publicUrl: () => string;
}

/** The OCI distribution API 1.1 over the registry inside. Register it with the prefix `/v2`. */
export const oci =
  (ctx: Context, options: OciOptions): FastifyPluginCallback =>
  (server, _options, done) => {
    const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const refusal = refusalOf(error) ?? unforeseen(ctx, error, request);
      if (refusal.status === 401)
        void reply.header("www-authenticate", challenge(options.publicUrl(), request, error));
      // The rest of a refused body is not waited for.
      if (!request.raw.complete) void reply.header("connection", "close");
      for (const header of ["content-length", "content-type", "etag"]) reply.removeHeader(header);
      return reply.code(refusal.status).send(errorBody(refusal));
    };
    const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const target = readTarget(request.url);
      if (!target) throw new OciError(404, "UNSUPPORTED", "The registry has nothing under this path");
      if (target.kind === "token") return answerToken(ctx, options.authenticate, request, reply);
      const credential = readCredential(request.headers.authorization);
      const caller = await identify(ctx, options.authenticate, request, credential);
      return dispatch(target, caller, request, reply);
    };
    server.removeAllContentTypeParsers();
    // A body stays a stream, for those who want it.
    server.addContentTypeParser("*", (_request, _body, parsed) => parsed(null));
    server.addHook("onRequest", (_request, reply, next) => {
      void reply.header(HEADER.apiVersion, API_VERSION);
      next();
    });
    server.setErrorHandler(refuse);
    server.setNotFoundHandler((request, reply) =>
      refuse(new OciError(405, "UNSUPPORTED", `${request.method} means nothing here`), request, reply),
    );
    for (const url of ["/", "/*"])
      server.route({ method: [...METHODS], url, exposeHeadRoute: false, handler: answer });
    done();
  };

/** What we did not expect goes to the log; the client gets the id under which it is there. */
function unforeseen(ctx: Context, error: unknown, request: FastifyRequest): Refusal {
  const { id } = request;
  if (isFrameworkRefusal(error))
    return { status: error.statusCode, code: "UNSUPPORTED", message: error.message, detail: null };
  // A sender that broke off is nobody's mistake here; it will not read the answer.
  if (request.raw.destroyed && !request.raw.complete)
    return { status: 400, code: "SIZE_INVALID", message: "The body was cut short", detail: null };
  ctx.log.error({ err: error, requestId: id }, "a request to the registry inside failed");
  const message = `Something went wrong; the server's log has it under ${id}`;
  return { status: 500, code: "UNKNOWN", message, detail: { requestId: id } };
}

/** Such as a Content-Type that is none. */
const isFrameworkRefusal = (error: unknown): error is Error & { readonly statusCode: number } =>
  error instanceof Error &&
  "statusCode" in error &&
  typeof error.statusCode === "number" &&
  error.statusCode >= 400 &&
  error.statusCode < 500;
