import type { FastifyInstance } from "fastify";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";
import { storageProblem } from "../../kernel/storable.ts";
import { identifyZadigCallers } from "./authenticate.ts";
import { BadRequest, sendZadigError } from "./errors.ts";
import { readEveryBodyAsJson } from "./json-body.ts";
import { answerUnknownZadigRoutes } from "./unknown-routes.ts";

/** What all of Zadig's APIs share: error bodies, unknown paths, bodies and tokens. */
export function speakZadig(app: FastifyInstance, ctx: Context, authenticate: Authenticate): void {
  app.setErrorHandler(sendZadigError);
  answerUnknownZadigRoutes(app);
  readEveryBodyAsJson(app);
  identifyZadigCallers(app, ctx, authenticate);
  app.addHook("preValidation", async ({ params, query, body }) => {
    for (const part of [params, query, body]) {
      const problem = storageProblem(part);
      if (problem) throw new BadRequest(`${problem.path}: ${problem.message}`.replace(/^: /, ""));
    }
  });
}
