import { expect, test, vi } from "vitest";
import { createApiToken } from "../../src/access/create-api-token.ts";
import { createUser } from "../../src/access/create-user.ts";
import { grantRole } from "../../src/access/grant-role.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { eachEngine } from "../support/databases.ts";
import type { WireDeployment } from "../support/deploy-scene.ts";
import { DEPLOY_TOKEN, githubDeploys, VERSION, WEBHOOK_SECRET } from "../support/github-deploys.ts";
import { signatureOf } from "../support/github/webhooks.ts";
import { clientOf } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";

const PATIENT = { timeout: 90_000, interval: 100 };
const TABLES = [
  "events",
  "workflow_runs",
  "workflows",
  "deployments",
  "deployment_statuses",
  "tasks",
  "task_steps",
] as const;

eachEngine((engine) => {
  test("what GitHub, webhooks and callbacks are trusted by stands in no log, event, answer or row", async () => {
    const scene = await githubDeploys(engine);
    const { ctx } = scene.server;
    await createUser(ctx, { name: "ci" });
    await grantRole(ctx, { projectKey: "web", user: "ci", role: "releaser" });
    const { text: reporter } = await createApiToken(ctx, {
      name: "report",
      user: "ci",
      scopes: ["deployments:report"],
    });
    const [good, refused, broken] = [await scene.site(), await scene.site(), await scene.site()];
    await scene.server.stop();
    const running = await startServerProcess({ ...scene.settings, HEADGATE_LOG_LEVEL: "trace" });
    let seen = "";
    running.child.stdout?.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    running.child.stderr?.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    const client = clientOf(running.url, scene.settings.HEADGATE_ADMIN_TOKEN);
    const send: typeof client.send = async (...request) => {
      const answer = await client.send(...request);
      seen += answer.text;
      return answer;
    };
    const path = (name: string): string => `/api/releases/web/environments/${name}/deployments`;
    const deploy = (name: string) =>
      send("POST", path(name), { body: { release_candidate_version: VERSION } });
    const newest = async (name: string): Promise<WireDeployment | undefined> =>
      ((await send("GET", path(name))).json as WireDeployment[])[0];
    const reaches = (name: string, status: string) =>
      vi.waitUntil(async () => (await newest(name))?.status === status, PATIENT);

    // GitHub repeats what it was sent, in an answer and in an error.
    const echo = JSON.stringify({ message: `Bad token ${DEPLOY_TOKEN} for ${DEPLOY_TOKEN}` });
    scene.github.faults.disturb(new RegExp(`${refused.name}.yml/dispatches`), {
      kind: "refuse",
      status: 422,
      body: echo,
      headers: { "content-type": "application/json" },
    });
    await deploy(refused.name);
    await reaches(refused.name, "error");
    scene.github.faults.disturb(new RegExp(`${broken.name}.yml/dispatches`), {
      kind: "instead",
      status: 502,
      body: echo,
      headers: { "content-type": "application/json" },
    });
    await deploy(broken.name);
    await deploy(good.name);
    await vi.waitUntil(() => good.runs().length === 1 && broken.runs().length === 1, PATIENT);
    const deployment = await newest(good.name);
    const callback = { deployment_id: String(deployment?.id), workflow_run_id: String(good.runs()[0]?.id) };
    const called = await send("POST", "/api/v1/sync-deploy-github-action", {
      body: callback,
      token: reporter,
    });
    expect(called.status).toBe(200);
    // Also where it does not belong.
    await send("POST", `/api/v1/sync-deploy-github-action?token=${reporter}`, { body: "{", token: reporter });
    const body = JSON.stringify({ zen: WEBHOOK_SECRET });
    const signature = { "x-github-event": "workflow_run", "x-hub-signature-256": signatureOf("wrong", body) };
    expect(
      (await send("POST", "/webhooks/our-github", { body, token: null, headers: signature })).status,
    ).toBe(401);
    for (const site of [good, broken]) for (const run of site.runs()) scene.github.complete(run, "failure");
    await reaches(good.name, "failure");
    await reaches(broken.name, "failure");
    await send("GET", "/v1/connections");
    await send("GET", "/v1/projects/web/events");
    await running.stop();

    const { db, close } = await openDatabase(scene.place);
    for (const table of TABLES) seen += JSON.stringify(await db.selectFrom(table).selectAll().execute());
    await close();
    expect(seen).toContain("Bad token");
    const secrets = {
      token: DEPLOY_TOKEN,
      webhook: WEBHOOK_SECRET,
      reporter,
      admin: scene.settings.HEADGATE_ADMIN_TOKEN,
    };
    expect(Object.entries(secrets).flatMap(([name, text]) => (seen.includes(text) ? [name] : []))).toEqual(
      [],
    );
    await scene.github.stop();
    await scene.git.stop();
  }, 300_000);
});
