import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { openDatabase } from "../../src/storage/database.ts";
import { eachEngine } from "../support/databases.ts";
import { deployScene, type WireDeployment } from "../support/deploy-scene.ts";
import { clientOf } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** How often a server is killed; HEADGATE_SOAK=1 for the long form. */
const ROUNDS = process.env["HEADGATE_SOAK"] === "1" ? 30 : 3;
const AT_ONCE = 4;
const ENDS = ["success", "failure", "canceled", "error"];

/** Starts of programs, with the server killed somewhere around them. */
eachEngine((engine) => {
  test(`a program runs once for each deployment, although its server is killed ${ROUNDS} times around the start`, async () => {
    const folder = await temporaryDirectory();
    const ledger = join(folder.path, "ran");
    const scene = await deployScene(engine, {
      programs: { deploy: `echo "$HEADGATE_DEPLOYMENT_ID" >> ${ledger}; sleep 0.3` },
    });
    await scene.addWorkflow("web", { name: "deploy", provider: "command", target: "deploy" });
    for (let site = 1; site <= AT_ONCE; site += 1)
      await scene.addEnvironment("web", { name: `site-${site}`, workflow: "deploy" });
    await scene.cut("1.0.0-rc1");
    await scene.server.stop();

    const deployments = new Map<number, string>();
    let running = await startServerProcess(scene.settings);
    const send = (method: string, site: number, body?: object) =>
      clientOf(running.url, scene.settings.HEADGATE_ADMIN_TOKEN).send(
        method,
        `/api/releases/web/environments/site-${site}/deployments`,
        { body },
      );
    for (let round = 0; round < ROUNDS; round += 1) {
      const asked = Array.from({ length: AT_ONCE }, (_, index) =>
        send("POST", index + 1, { release_candidate_version: "1.0.0-rc1" }).catch(() => null),
      );
      await pause(randomInt(600));
      await running.kill();
      await Promise.all(asked);
      const { db, close } = await openDatabase(scene.place);
      // On PostgreSQL others respect a dead server's leases for a while, which no test need wait for.
      await db.updateTable("tasks").set({ leased_until: 0 }).where("state", "=", "running").execute();
      await close();
      running = await startServerProcess(scene.settings);
      for (let site = 1; site <= AT_ONCE; site += 1)
        await vi.waitUntil(
          async () => {
            const listed = (await send("GET", site)).json as WireDeployment[];
            for (const { id, status } of listed) deployments.set(id, status);
            return listed.every(({ status }) => ENDS.includes(status));
          },
          { timeout: 90_000, interval: 200 },
        );
    }
    await running.stop();
    const ran = (await readFile(ledger, "utf8")).trim().split("\n").map(Number);
    expect(new Set(ran).size).toBe(ran.length);
    const good = [...deployments].flatMap(([id, status]) => (status === "success" ? [id] : []));
    // An error is told where it cannot be known; a success always ran.
    expect(good.filter((id) => !ran.includes(id))).toEqual([]);
    expect(deployments.size).toBeGreaterThan(0);
    expect(good).toHaveLength(deployments.size);
    await scene.git.stop();
    await folder.remove();
  }, 600_000);
});
