import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readWorkflowRunEvent, verifyWebhook } from "../../src/connectors/ci-providers/github/webhook.ts";
import { answerFault, openapiExample } from "../support/github/answer-schemas.ts";
import { type BareRepository, createBareRepository } from "../support/github/bare-repository.ts";
import { githubScene, type GithubScene, SCENE_TOKEN } from "../support/github/github-scene.ts";
import { webhookExample, webhookFault } from "../support/github/webhook-shapes.ts";

const SECRET = "webhook-secret";

/** One delivery as its receiver saw it. */
interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

describe("the GitHub that other tests stand on", () => {
  let git: BareRepository;
  let scene: GithubScene;

  beforeAll(async () => {
    git = await createBareRepository();
  });

  afterAll(() => git.remove());

  beforeEach(async () => {
    scene = await githubScene(git);
  });

  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://${scene.github.host}/api/v3${path}`, {
      ...init,
      headers: { authorization: `Bearer ${SCENE_TOKEN}` },
    });

  describe("sends webhooks", () => {
    const received: Received[] = [];
    const server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        received.push({ headers: request.headers, body: Buffer.concat(chunks) });
        response.writeHead(202).end();
      })();
    });
    let url = "";

    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/1`;
    });

    beforeEach(() => {
      received.length = 0;
      scene.github.webhooks.target = { url, secret: SECRET };
    });

    afterEach(() => scene.close());

    afterAll(() => void server.close());

    it("for what happens to a run, signed, each with a number of its own", async () => {
      const { github, provider } = scene;
      await provider.start(scene.request());
      const [run] = github.runs;
      if (!run) throw new Error("no run");
      github.begin(run);
      github.complete(run, "success");
      await github.webhooks.settled();
      expect(received).toHaveLength(3);
      for (const { headers, body } of received) {
        const signature = String(headers["x-hub-signature-256"]);
        expect(verifyWebhook(SECRET, body, signature)).toBe(true);
        expect(readWorkflowRunEvent(String(headers["x-github-event"]), body)).toEqual({
          repository: "acme/web",
          run: String(run.id),
          workflow: ".github/workflows/deploy.yml",
        });
      }
      expect(new Set(received.map(({ headers }) => headers["x-github-delivery"])).size).toBe(3);
      const actions = github.webhooks.deliveries.map(({ action, answers }) => [action, ...answers]);
      expect(actions).toEqual([
        ["requested", 202],
        ["in_progress", 202],
        ["completed", 202],
      ]);
    });

    it("doubled, late, out of order, not at all, or wrongly signed, as a test wants", async () => {
      const { github, provider } = scene;
      github.webhooks.mode = "keep";
      await provider.start(scene.request());
      const [run] = github.runs;
      if (!run) throw new Error("no run");
      github.begin(run);
      github.complete(run, "failure");
      expect(received).toHaveLength(0);
      const [requested, , completed] = github.webhooks.deliveries;
      if (!requested || !completed) throw new Error("no deliveries");
      for (const delivery of [completed, completed, requested]) await github.webhooks.send(delivery);
      await github.webhooks.send(requested, `sha256=${"0".repeat(64)}`);
      const bodies = received.map(({ body }) => (JSON.parse(body.toString()) as { action: string }).action);
      expect(bodies).toEqual(["completed", "completed", "requested", "requested"]);
      expect(received[0]?.headers["x-github-delivery"]).toBe(received[1]?.headers["x-github-delivery"]);
      const [, , , forged] = received;
      expect(verifyWebhook(SECRET, forged?.body ?? Buffer.alloc(0), `sha256=${"0".repeat(64)}`)).toBe(false);
    });

    it("to somebody who is not there, and goes on", async () => {
      const { github, provider } = scene;
      github.webhooks.target = { url: "http://127.0.0.1:1/", secret: SECRET };
      await provider.start(scene.request());
      await github.webhooks.settled();
      expect(github.webhooks.deliveries[0]?.answers).toEqual([null]);
    });
  });

  it("tells a test the moment when a run is there and its dispatch not yet answered", async () => {
    const { github, provider } = scene;
    const seen: string[] = [];
    github.hooks.beforeDispatch = () => void seen.push(`before: ${github.runs.length} runs`);
    github.hooks.onDispatch = (run) => void seen.push(`run ${github.runs.indexOf(run) + 1}`);
    await provider.start(scene.request());
    expect(seen).toEqual(["before: 0 runs", "run 1"]);
    await scene.close();
  });

  it("answers with GitHub's headers, pages and tags, and counts calls", async () => {
    const { github, repository } = scene;
    for (let count = 0; count < 4; count += 1) github.addWorkflow(repository, `w${count}.yml`);
    const page = await get("/repos/acme/web/actions/workflows?per_page=2&page=2");
    expect(await page.json()).toMatchObject({ total_count: 5, workflows: [{}, {}] });
    expect(page.headers.get("link")).toMatch(/page=1>; rel="prev".*page=3>; rel="next".*page=3>; rel="last"/);
    expect(page.headers.get("x-ratelimit-remaining")).toBe("4999");
    expect(page.headers.get("etag")).toMatch(/^W\/"/);
    await scene.close();
  });

  it("fails a test that asks for what it does not know, and one that made it answer as GitHub would not", async () => {
    const { github, repository } = scene;
    expect((await get("/repos/acme/web/actions/secrets")).status).toBe(404);
    github.addWorkflow(repository, "odd.yml", { state: "sleeping" as "active" });
    await (await get("/repos/acme/web/actions/workflows")).arrayBuffer();
    await expect(scene.close()).rejects.toThrow(
      /unexpected call: GET \/repos\/acme\/web\/actions\/secrets; an answer that GitHub would not give: .*state/,
    );
  });

  it("holds answers against GitHub's description, and webhooks against its examples", async () => {
    const route = "GET /repos/{owner}/{repo}/actions/runs/{run_id}";
    const run = openapiExample("workflow-run");
    expect(answerFault(route, 200, run)).toBeNull();
    expect(answerFault(route, 200, { ...run, conclusion: null, head_branch: null })).toBeNull();
    expect(answerFault(route, 200, { ...run, id: "1" })).toContain("/id must be integer");
    expect(answerFault(route, 418, run)).toContain("never answers 418");
    const event = webhookExample("workflow_run", "completed");
    expect(webhookFault("workflow_run", event)).toBeNull();
    const { sender: _, ...incomplete } = event;
    expect(webhookFault("workflow_run", incomplete)).toBe("workflow_run.sender is missing");
    expect(webhookFault("workflow_run", { ...event, more: 1, action: 2 })).toBe(
      "workflow_run.action is number and not string, workflow_run.more is unknown",
    );
    await scene.close();
  });
});
