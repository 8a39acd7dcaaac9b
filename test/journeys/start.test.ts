import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";

/** What a server does by itself once it has started. */
eachEngine((engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await engine.place());
  });
  afterAll(() => server.stop());

  test("its recurring tasks are carried out, and none of them has an error", async () => {
    const tasks = () => server.ctx.db.selectFrom("tasks").select(["kind", "error", "run_at"]).execute();
    const kinds = ["sweep-blobs", "tasks.remove-ended"];
    const restingUntilLater = async (): Promise<string[]> =>
      (await tasks()).filter((task) => task.run_at > Date.now() + 60_000).map(({ kind }) => kind);
    await expect.poll(restingUntilLater, { timeout: 20_000 }).toEqual(expect.arrayContaining(kinds));
    const carriedOut = await tasks();
    expect(carriedOut.filter(({ error }) => error !== null)).toEqual([]);
  });

  test("it says that it is alive and ready, and shows metrics only to those who have a token", async () => {
    expect((await server.send("GET", "/healthz", { token: null })).status).toBe(200);
    expect((await server.send("GET", "/readyz", { token: null })).status).toBe(200);
    expect((await server.send("GET", "/metrics", { token: null })).status).toBe(401);
    const metrics = await server.send("GET", "/metrics");
    expect(metrics.text).toContain('headgate_tasks{kind="sweep-blobs",state="ready"} 1');
    expect(metrics.text).toContain(
      'headgate_http_requests_total{method="GET",route="/readyz",status="200"} 1',
    );
  });

  test("after a restart on the same data everything is as it was", async () => {
    await server.send("POST", "/v1/projects", { body: { key: "kept", name: "Kept" } });
    server = await server.restart();
    const project = await server.send("GET", "/v1/projects/kept");
    expect([project.status, valueAt(project.json, "name")]).toEqual([200, "Kept"]);
  });
});
