import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { startTestServer, type TestServer } from "../../test/support/server.ts";

eachEngine((engine) => {
  describe("where webhooks come in", () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer(await engine.place());
    });
    afterAll(() => server.stop());

    it.each([
      ["nothing leads to", "nowhere", 401],
      ["no database keeps", "%00", 400],
    ])("a connection that %s is refused", async (_, connection, status) => {
      const answer = await server.send("POST", `/webhooks/${connection}`, { body: {}, token: null });
      expect(answer.status).toBe(status);
    });
  });
});
