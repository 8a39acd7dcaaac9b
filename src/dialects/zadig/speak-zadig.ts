import type { FastifyInstance } from "fastify";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";
import { identifyZadigCallers } from "./authenticate.ts";
import { sendZadigError } from "./errors.ts";
import { readEveryBodyAsJson } from "./json-body.ts";
import { answerUnknownZadigRoutes } from "./unknown-routes.ts";

/** What all of Zadig's APIs share: error bodies, unknown paths, bodies and tokens. */
export function speakZadig(app: FastifyInstance, ctx: Context, authenticate: Authenticate): void {
  app.setErrorHandler(sendZadigError);
  answerUnknownZadigRoutes(app);
  readEveryBodyAsJson(app);
  identifyZadigCallers(app, ctx, authenticate);
}
