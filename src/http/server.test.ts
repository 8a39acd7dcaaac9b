import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FastifyInstance } from "fastify";
import { testContext } from "../../test/support/context.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { type OpenDatabase, openDatabase } from "../storage/database.ts";
import { createMetrics } from "./metrics.ts";
import { buildServer } from "./server.ts";

const WORDS = "password authentication failed for user headgate at 10.1.2.3";
const broken = (): Promise<never> => Promise.reject(new Error(WORDS));

describe("a server whose database is gone", () => {
  let app: FastifyInstance;
  let database: OpenDatabase;
  let directory: { path: string; remove: () => Promise<void> };
  beforeAll(async () => {
    directory = await temporaryDirectory();
    database = await openDatabase({ kind: "embedded", directory: directory.path });
    await database.close();
    app = await buildServer(testContext(database.db), {
      authenticate: broken,
      trustProxy: false,
      openMetrics: false,
      registryInside: false,
      publicUrl: () => "http://127.0.0.1",
      isReady: broken,
      metrics: createMetrics(),
      readFigures: broken,
    });
  });
  afterAll(async () => {
    await app.close();
    await directory.remove();
  });

  it.each([
    ["GET", "/readyz", 503],
    ["GET", "/metrics", 500],
    ["GET", "/v1/projects", 500],
    ["GET", "/openapi/system/registry", 500],
    ["POST", "/sign-up", 500],
  ] as const)("%s %s tells strangers nothing of why: %i", async (method, url, status) => {
    const payload = method === "POST" ? "secret=x&name=ana&password=long+enough+password" : "";
    const headers = { "content-type": "application/x-www-form-urlencoded", authorization: "Bearer x" };
    const answer = await app.inject({ method, url, headers, payload });
    expect(answer.statusCode).toBe(status);
    expect(answer.body).not.toMatch(/10\.1\.2\.3|closed|password authentication/);
  });
});
