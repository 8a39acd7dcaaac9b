import { afterAll, beforeAll, expect, test } from "vitest";
import { type DatabaseDoor, startDatabaseDoor } from "../support/database-door.ts";
import { onPostgres } from "../support/databases.ts";
import { settingsFor, startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

onPostgres((engine) => {
  test.each(["shut", "freeze"] as const)(
    "a server whose database is away (%s) ends by itself when it is asked to",
    async (how) => {
      const place = await engine.place();
      if (place.kind !== "postgres") throw new Error("this is about PostgreSQL");
      const door = await startDatabaseDoor(place.url);
      const server = await startServerProcess({ ...(await settingsFor(place)), DATABASE_URL: door.url });
      door[how]();
      // Null would mean that somebody had to kill it.
      expect(await server.stop()).not.toBeNull();
      await door.stop();
    },
  );
});

/** A server whose PostgreSQL goes away and comes back. */
onPostgres((engine) => {
  let door: DatabaseDoor;
  let server: TestServer;
  beforeAll(async () => {
    const place = await engine.place();
    if (place.kind !== "postgres") throw new Error("this is about PostgreSQL");
    door = await startDatabaseDoor(place.url);
    server = await startTestServer({ kind: "postgres", url: door.url });
    await makeProject(server, "shop");
  });
  afterAll(async () => {
    door.open();
    await server.stop();
    await door.stop();
  });
  const status = async (path: string) => (await server.send("GET", path)).status;

  test("requests are answered meanwhile, each in its API's own form", async () => {
    door.shut();
    const list = await server.send("GET", `${RELEASES}?projectKey=shop&pageNum=1&pageSize=1`);
    expect(list).toMatchObject({ status: 500, json: { code: 500, message: "Internal Error: " } });
    expect((await create(server, plainBody({ version_name: "lost" }))).status).toBe(500);
    expect(await server.send("GET", "/v1/projects")).toMatchObject({ status: 500, json: { status: 500 } });
    expect(await status("/metrics")).toBe(500);
    door.open();
    await expect.poll(() => status("/readyz"), { timeout: 20_000 }).toBe(200);
    const lost = await server.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=lost`);
    expect(lost.status).toBe(404);
  });

  test.each(["shut", "freeze"] as const)(
    "it is alive and not ready, says so before long, and goes on when its database is back (%s)",
    async (how) => {
      expect(await status("/readyz")).toBe(200);
      door[how]();
      const ready = await server.send("GET", "/readyz");
      expect([ready.status, valueAt(ready.json, "status")]).toEqual([503, "not ready"]);
      expect(await status("/healthz")).toBe(200);
      door.open();
      await expect.poll(() => status("/readyz"), { timeout: 20_000 }).toBe(200);
      const version = `after-${how}`;
      expect((await create(server, plainBody({ version_name: version }))).status).toBe(200);
      expect(await settled(server, version)).toMatchObject({ status: "success" });
    },
  );
});
