import { expect, test } from "vitest";
import { startWorker } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { eachEngine } from "../support/databases.ts";
import { clientOf, settingsFor } from "../support/server.ts";
import { startStandIn } from "../support/stand-in.ts";

/** A port that is free now. */
async function freePort(): Promise<string> {
  const standIn = await startStandIn();
  await standIn.stop();
  return standIn.host.split(":")[1] ?? "";
}

eachEngine((engine) => {
  test("a worker that is told a port shows health and metrics there, and no API", async () => {
    const settings = { ...(await settingsFor(await engine.place())), HEADGATE_LOG_LEVEL: "silent" };
    const port = await freePort();
    const worker = await startWorker(readConfig({ ...settings, HEADGATE_METRICS_PORT: port }));
    try {
      const client = clientOf(`http://127.0.0.1:${port}`, settings.HEADGATE_ADMIN_TOKEN);
      expect((await client.send("GET", "/healthz", { token: null })).status).toBe(200);
      expect((await client.send("GET", "/readyz", { token: null })).status).toBe(200);
      expect((await client.send("GET", "/metrics", { token: null })).status).toBe(401);
      expect((await client.send("GET", "/metrics", { token: "hg_nobody_nothing" })).status).toBe(401);
      const metrics = async (): Promise<string> => (await client.send("GET", "/metrics")).text;
      await expect
        .poll(metrics, { timeout: 20_000 })
        .toContain('headgate_task_run_seconds_count{kind="sweep-blobs",outcome="done"} 1');
      expect(await metrics()).toMatch(/^headgate_events_unsealed \d+$/m);
      expect((await client.send("GET", "/v1/projects")).status).toBe(404);
    } finally {
      await worker.stop();
    }
  });
});
