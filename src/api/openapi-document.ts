import Fastify from "fastify";
import type { Context } from "../context.ts";
import { api } from "./api.ts";
import { describeApi } from "./openapi.ts";

/** The text of docs/api/openapi.json. No route runs for it, so that it needs no database. */
export async function openApiDocument(): Promise<string> {
  const app = Fastify();
  await describeApi(app);
  await app.register(api({} as Context, { authenticate: () => Promise.reject(new Error("never called")) }), {
    prefix: "/v1",
  });
  await app.ready();
  const text = JSON.stringify(app.swagger(), null, 2);
  await app.close();
  return `${text}\n`;
}
