import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";
import { storageProblem } from "../../kernel/storable.ts";
import { identifyAviatorCallers } from "./authenticate.ts";
import { BadRequest, sendAviatorError } from "./errors.ts";
import { badField } from "./read.ts";

const BODY_MAX_BYTES = 1024 * 1024;

/** What all of Aviator's REST calls share: error bodies, unknown paths, bodies and tokens. */
export function speakAviator(app: FastifyInstance, ctx: Context, authenticate: Authenticate): void {
  app.setErrorHandler(sendAviatorError);
  app.setNotFoundHandler((request, reply) =>
    reply.status(404).send({ error: `There is no ${request.method} ${request.url.split("?")[0] ?? ""}` }),
  );
  readEveryBodyAsJson(app);
  identifyAviatorCallers(app, ctx, authenticate);
  app.addHook("preValidation", async ({ params, query, body }) => {
    for (const part of [params, query, body]) {
      const problem = storageProblem(part);
      if (problem) throw badField(problem.path, problem.message);
    }
  });
}

/** An empty body is `undefined`: a rollback needs none. */
function readEveryBodyAsJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string", bodyLimit: BODY_MAX_BYTES }, (_request, text, done) => {
    if (text === "") return done(null, undefined);
    try {
      const value: unknown = JSON.parse(String(text));
      done(null, value);
    } catch {
      done(new BadRequest("Invalid JSON body"), undefined);
    }
  });
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Adds a route in both forms that clients use, with and without a slash at the end. */
export function route(
  app: FastifyInstance,
  method: "GET" | "POST" | "PATCH",
  path: string,
  handler: Handler,
): void {
  for (const url of [path, `${path}/`]) app.route({ method, url, handler });
}
