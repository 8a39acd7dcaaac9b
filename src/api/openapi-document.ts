import Fastify, { type FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { api } from "./api.ts";
import { describeApi } from "./openapi.ts";

/** A server that knows every route of `/v1` and can describe them; none of them runs, so that it needs no database. */
export async function describedApi(): Promise<FastifyInstance> {
  const app = Fastify();
  await describeApi(app);
  await app.register(api({} as Context, { authenticate: () => Promise.reject(new Error("never called")) }), {
    prefix: "/v1",
  });
  return app;
}

/** The text of docs/api/openapi.json. */
export async function openApiDocument(): Promise<string> {
  const app = await describedApi();
  await app.ready();
  const text = JSON.stringify(app.swagger(), null, 2);
  await app.close();
  return `${text}\n`;
}
