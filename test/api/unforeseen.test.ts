import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExternalSystemError } from "../../src/kernel/errors.ts";
import { type OpenDatabase, openDatabase } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { testContext } from "../support/context.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type ApiServer, startApi } from "./api-server.ts";

describe("what nobody foresaw", () => {
  let server: ApiServer;
  let database: OpenDatabase;
  let directory: { path: string; remove: () => Promise<void> };
  const logged: string[] = [];
  beforeAll(async () => {
    directory = await temporaryDirectory();
    database = await openDatabase({ kind: "embedded", directory: directory.path });
    await migrate(database.db);
    const sink = new Writable({
      write(chunk, _encoding, done) {
        logged.push(String(chunk));
        done();
      },
    });
    const ctx = testContext(database.db, { log: pino(sink) });
    server = await startApi(ctx, async (_, token) => {
      if (token === "down")
        throw new ExternalSystemError("it is closed", {
          system: "directory",
          retryable: true,
          retryAfterMillis: 1500,
        });
      throw new Error("secret words of a broken part");
    });
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    await directory.remove();
  });

  it("is a 500 that tells nothing but an id, under which the log has the reason", async () => {
    const { status, body } = await server.send("somebody", "GET", "/v1/projects");
    const { requestId } = body as { requestId: string };
    expect(status).toBe(500);
    expect(body).toMatchObject({ type: "urn:headgate:error:INTERNAL" });
    expect(JSON.stringify(body)).not.toContain("secret words");
    const line = logged.find((text) => text.includes("secret words")) ?? "";
    expect(line).toContain(`"${requestId}"`);
  });

  it("is not the failure of another system: that is a 502 with its words, and when to come again", async () => {
    const answer = await server.send("down", "GET", "/v1/projects");
    expect(answer).toMatchObject({ status: 502, body: { detail: "directory: it is closed" } });
    expect(answer.headers.get("retry-after")).toBe("2");
  });
});
