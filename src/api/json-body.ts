import type { FastifyInstance } from "fastify";
import { messageOf } from "../kernel/errors.ts";

/** A body that says it is JSON and is not; `code` is what the error answer looks at. */
const notJson = (reason: string): Error =>
  Object.assign(new Error(`The body is not JSON: ${reason}`), { code: "BODY_NOT_JSON", statusCode: 400 });

/** The only bodies are JSON ones. An empty one is none at all: many clients name a content type on every request. */
export function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, text, done) => {
    if (text === "") return done(null, undefined);
    let value: unknown;
    try {
      value = JSON.parse(text.toString());
    } catch (error) {
      return done(notJson(messageOf(error)));
    }
    done(null, value);
  });
}
