import type { FastifyInstance } from "fastify";
import { BadRequest } from "./errors.ts";

/** Bodies up to this size: YAML of many services comes in one. */
export const BODY_MAX_BYTES = 16 * 1024 * 1024;

/** Like Zadig, reads every body as JSON, whatever its content type says. An empty one is `undefined`. */
export function readEveryBodyAsJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string", bodyLimit: BODY_MAX_BYTES }, (_request, text, done) => {
    if (text === "") return done(null, undefined);
    try {
      const value: unknown = JSON.parse(String(text));
      done(null, value);
    } catch (error) {
      done(new BadRequest(`the body is not JSON: ${error instanceof Error ? error.message : ""}`), undefined);
    }
  });
}
