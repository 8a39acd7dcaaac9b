import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunRequest } from "../../src/connectors/ci-providers/ci-provider.ts";
import { type BareRepository, createBareRepository } from "../support/github/bare-repository.ts";
import { githubScene, type GithubScene, SCENE_TOKEN } from "../support/github/github-scene.ts";

describe("starting a workflow on GitHub", () => {
  let git: BareRepository;
  let scene: GithubScene;

  beforeAll(async () => {
    git = await createBareRepository();
  });

  afterAll(() => git.remove());

  beforeEach(async () => {
    scene = await githubScene(git);
  });

  afterEach(() => scene.close());

  it("is answered with the run at once: no list is asked", async () => {
    const { github, provider } = scene;
    const answer = await provider.start(scene.request());
    const [run] = github.runs;
    expect(answer).toEqual({
      kind: "started",
      run: String(run?.id),
      url: `http://${github.host}/acme/web/actions/runs/${run?.id}`,
    });
    expect(github.calls.map(({ line }) => line)).toEqual([
      "POST /repos/acme/web/actions/workflows/deploy.yml/dispatches",
    ]);
    expect(github.calls[0]?.body).toEqual({
      ref: "main",
      inputs: { aviator_deployment_id: "17", aviator_release_candidate_version: "1.2.3-rc1" },
      return_run_details: true,
    });
  });

  it("says on every call which version of the API it speaks, and who asks", async () => {
    const { github, provider } = scene;
    const request = scene.request({ ref: null });
    const answer = await provider.start(request);
    if (answer.kind !== "started") throw new Error(answer.kind);
    await provider.find(request, new Set());
    await provider.read(answer.run, request);
    await provider.cancel(answer.run, request, { force: false });
    await provider.listWorkflows("acme/web");
    expect(github.calls).toHaveLength(6);
    for (const { headers } of github.calls)
      expect(headers).toMatchObject({
        "x-github-api-version": "2022-11-28",
        authorization: `token ${SCENE_TOKEN}`,
        "user-agent": "headgate",
      });
  });

  it("takes an answer without a run for accepted", async () => {
    scene.github.dispatchAnswer = "empty";
    expect(await scene.provider.start(scene.request())).toEqual({ kind: "accepted" });
    expect(scene.github.runs).toHaveLength(1);
  });

  it("asks a server that does not know the field once more without it, and remembers that", async () => {
    const { github, provider } = scene;
    github.dispatchAnswer = "refuse_field";
    expect(await provider.start(scene.request())).toEqual({ kind: "accepted" });
    expect(github.calls.map(({ status }) => status)).toEqual([400, 204]);
    expect(await provider.start(scene.request())).toEqual({ kind: "accepted" });
    expect(github.calls.map(({ status }) => status)).toEqual([400, 204, 204]);
    expect(github.runs).toHaveLength(2);
  });

  it("believes a 400 that has another reason only when it comes twice, and does not remember it", async () => {
    const { github, provider } = scene;
    const body = JSON.stringify({ message: "Problems parsing JSON" });
    const headers = { "content-type": "application/json" };
    github.faults.disturb(/dispatches/, { kind: "refuse", status: 400, body, headers }, 2);
    expect(await provider.start(scene.request())).toEqual({
      kind: "refused",
      text: "starting deploy.yml in acme/web: Problems parsing JSON",
    });
    expect(await provider.start(scene.request())).toMatchObject({ kind: "started" });
  });

  it("starts on the repository's default branch where none is named, which it asks for once", async () => {
    const { github, provider } = scene;
    await git.commit("release", "another branch");
    expect(await provider.start(scene.request({ ref: null }))).toMatchObject({ kind: "started" });
    expect(await provider.start(scene.request({ ref: null }))).toMatchObject({ kind: "started" });
    expect(await provider.start(scene.request({ ref: "release" }))).toMatchObject({ kind: "started" });
    expect(github.runs.map(({ branch }) => branch)).toEqual(["main", "main", "release"]);
    expect(github.calls.filter(({ line }) => line === "GET /repos/acme/web")).toHaveLength(1);
  });

  it("starts on a tag, and by number or whole path of the workflow", async () => {
    const { github, provider, workflow } = scene;
    await git.tag("v1", (await git.commitOf("main")) ?? "");
    for (const name of [String(workflow.id), ".github/workflows/deploy.yml"])
      expect(await provider.start(scene.request({ workflow: name, ref: "v1" }))).toMatchObject({
        kind: "started",
      });
    expect(github.runs.map(({ branch }) => branch)).toEqual(["v1", "v1"]);
  });

  it("leaves no word on the console, though GitHub calls the call deprecated", async () => {
    const printed = (["log", "info", "warn", "error", "debug"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => undefined),
    );
    await scene.provider.start(scene.request());
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  const inputs = (count: number, length: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, "x".repeat(length)]));

  it.for([
    ["26 inputs", { inputs: inputs(26, 1) }, "GitHub takes at most 25 inputs, and these are 26"],
    ["inputs that are too long", { inputs: inputs(2, 40_000) }, /^GitHub takes at most 65535 characters/],
    ["no repository", { repository: null }, '"" is not a repository: it is named like org/name'],
    ["a path in place of a repository", { repository: "acme/.." }, /is not a repository/],
    ["a longer path", { repository: "acme/web/actions" }, /is not a repository/],
    ["no workflow file", { workflow: "../../dispatches" }, /is not a workflow/],
    ["dots", { workflow: ".." }, /is not a workflow/],
  ] as const satisfies readonly (readonly [string, Partial<RunRequest>, string | RegExp])[])(
    "refuses %s without asking GitHub",
    async ([, changes, text]) => {
      const answer = await scene.provider.start(scene.request(changes));
      expect(answer).toEqual({ kind: "refused", text: expect.stringMatching(text) as string });
      expect(scene.github.calls).toHaveLength(0);
    },
  );

  it.for([
    ["a branch that is not there", { ref: "nope" }, "No ref found for: nope"],
    ["an input that is not declared", { inputs: { x: "1" } }, 'Unexpected inputs provided: ["x"]'],
    ["a workflow that is not there", { workflow: "nope.yml" }, "Not Found (no such repository or workflow"],
    ["a repository that is not visible", { repository: "acme/hidden" }, "Not Found (no such repository"],
    ["a workflow without the trigger", { workflow: "ci.yml" }, "does not have 'workflow_dispatch' trigger"],
    ["a workflow that is switched off", { workflow: "off.yml" }, "on a disabled workflow"],
    ["an input that is missing", { workflow: "strict.yml", inputs: {} }, "Required input 'x' not provided"],
  ] as const)("hands on GitHub's refusal of %s", async ([, changes, text]) => {
    const { github, repository } = scene;
    github.addRepository("acme/hidden", git);
    github.addWorkflow(repository, "ci.yml", { inputs: null });
    github.addWorkflow(repository, "off.yml", { state: "disabled_manually" });
    github.addWorkflow(repository, "strict.yml", { inputs: { x: { required: true } } });
    const answer = await scene.provider.start(scene.request(changes));
    expect(answer).toEqual({ kind: "refused", text: expect.stringContaining(text) as string });
    expect(github.runs).toHaveLength(0);
    expect(scene.dispatches()).toBe(1);
  });

  it.for([
    ["a token that is no longer good", { token: "gone" }, "Bad credentials"],
    ["nobody", { token: null }, "Requires authentication"],
    ["a token that may only read", { token: "reader" }, "Resource not accessible by personal access token"],
  ] as const)("is refused to %s", async ([, changes, text]) => {
    const { github } = scene;
    const open = github.addRepository("acme/open", git, { isPublic: true });
    github.addWorkflow(open, "deploy.yml");
    github.addToken("reader", { "acme/open": "read" });
    const request = scene.request({ repository: "acme/open", ref: null, inputs: {} });
    const answer = await scene.another(changes).start(request);
    expect(answer).toEqual({ kind: "refused", text: expect.stringContaining(text) as string });
    expect(github.runs).toHaveLength(0);
  });

  it("is refused where the repository has moved, and says where it is; nothing is sent twice", async () => {
    const { github, repository, provider } = scene;
    github.rename(repository, "acme/shop");
    expect(await provider.start(scene.request())).toEqual({
      kind: "refused",
      text: expect.stringMatching(
        /^starting deploy.yml in acme\/web: it has moved to http.*\/repositories\/\d+\/actions/,
      ) as string,
    });
    expect(scene.dispatches()).toBe(1);
  });

  it("lists the workflows that can be started", async () => {
    const { github, repository, provider, workflow } = scene;
    github.addWorkflow(repository, "off.yml", { state: "disabled_manually" });
    const many = Array.from({ length: 120 }, (_, index) =>
      github.addWorkflow(repository, `w${index}.yml`, { name: `W ${index}` }),
    );
    const listed = await provider.listWorkflows("acme/web");
    expect(listed).toHaveLength(many.length + 1);
    expect(listed[0]).toEqual({
      id: String(workflow.id),
      name: "Deploy",
      path: ".github/workflows/deploy.yml",
    });
    await expect(provider.listWorkflows("acme/nope")).rejects.toMatchObject({ status: 404 });
    await expect(provider.listWorkflows("../x")).rejects.toThrow("named like org/name");
  });
});
