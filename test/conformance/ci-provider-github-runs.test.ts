import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunRequest } from "../../src/connectors/ci-providers/ci-provider.ts";
import { type BareRepository, createBareRepository } from "../support/github/bare-repository.ts";
import { githubScene, type GithubScene } from "../support/github/github-scene.ts";
import type { NewRun } from "../support/github/run-life.ts";
import type { Run } from "../support/github/world.ts";

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

const SHA = "0123456789abcdef0123456789abcdef01234567";
const addRun = (changes: Partial<NewRun> = {}): Run => {
  const { github, repository, workflow } = scene;
  return github.addRun({ repository, workflow, branch: "main", sha: SHA, inputs: {}, ...changes });
};
const showing = (request: RunRequest): RunRequest => ({
  ...request,
  inputs: { headgate_run_id: request.id },
});
const found = (run: Run | undefined): object => ({ kind: "run", run: String(run?.id) });

describe("finding the run of a dispatch on GitHub", () => {
  it("goes by our id, however many others there are on however many pages", async () => {
    const { github, provider } = scene;
    const request = showing(scene.request());
    github.dispatchAnswer = "empty";
    expect(await provider.start(request)).toEqual({ kind: "accepted" });
    const [ours] = github.runs;
    for (let count = 0; count < 210; count += 1) addRun();
    expect(await provider.find(request, new Set())).toMatchObject(found(ours));
    const lists = github.calls.filter(({ line }) => line.includes("/runs?"));
    expect(lists).toHaveLength(3);
    const since = new Date(request.intendedAt.getTime() - 3_600_000).toISOString().slice(0, 19);
    expect(new URLSearchParams(lists[0]?.line.split("?")[1])).toEqual(
      new URLSearchParams({
        event: "workflow_dispatch",
        created: `>=${since}Z`,
        per_page: "100",
        page: "1",
      }),
    );
  });

  it("without an id takes the only one on the branch that nobody claims", async () => {
    const { provider } = scene;
    const request = scene.request();
    expect(await provider.find(request, new Set())).toEqual({ kind: "none" });
    const theirs = addRun();
    addRun({ branch: "other" });
    addRun({ event: "push" });
    const ours = addRun();
    expect(await provider.find(request, new Set())).toEqual({ kind: "several" });
    expect(await provider.find(request, new Set([String(theirs.id)]))).toMatchObject(found(ours));
    const both = new Set([String(theirs.id), String(ours.id)]);
    expect(await provider.find(request, both)).toEqual({ kind: "none" });
  });

  it("asks for the default branch where the request names none, and reads a ref's full name", async () => {
    const { provider } = scene;
    addRun({ branch: "other" });
    const ours = addRun();
    expect(await provider.find(scene.request({ ref: null }), new Set())).toMatchObject(found(ours));
    expect(await provider.find(scene.request({ ref: "refs/heads/main" }), new Set())).toMatchObject(
      found(ours),
    );
  });

  it("never takes a run that shows another request's id, one that is older, or one of another workflow", async () => {
    const { github, provider, repository } = scene;
    const request = scene.request();
    addRun({ inputs: { headgate_run_id: scene.request().id } });
    github.skewMillis = -120_000;
    addRun();
    github.skewMillis = 0;
    addRun({ workflow: github.addWorkflow(repository, "other.yml") });
    expect(await provider.find(request, new Set())).toEqual({ kind: "none" });
  });

  it("forgives GitHub's clock for a minute", async () => {
    const { github, provider } = scene;
    github.skewMillis = -50_000;
    const ours = addRun();
    expect(await provider.find(scene.request(), new Set())).toMatchObject(found(ours));
  });

  it("takes a run that shows the id of this attempt however far GitHub's clock is behind", async () => {
    const { github, provider } = scene;
    const request = showing(scene.request());
    github.skewMillis = -20 * 60_000;
    const ours = addRun({ inputs: request.inputs });
    github.skewMillis = 0;
    expect(await provider.find(request, new Set())).toMatchObject(found(ours));
  });

  it("says so when two runs show our id", async () => {
    const request = showing(scene.request());
    addRun({ inputs: request.inputs });
    addRun({ inputs: request.inputs });
    expect(await scene.provider.find(request, new Set())).toEqual({ kind: "several" });
  });

  it("finds nothing as long as GitHub's lists do not show it", async () => {
    const { github, provider } = scene;
    const request = scene.request();
    const ours = addRun();
    github.appearanceMillis = 3_600_000;
    expect(await provider.find(request, new Set())).toEqual({ kind: "none" });
    github.appearanceMillis = 0;
    expect(await provider.find(request, new Set())).toMatchObject(found(ours));
  });

  it("fails where the workflow is gone, and for an answer that is no list", async () => {
    const { github, provider } = scene;
    const request = scene.request({ workflow: "gone.yml" });
    await expect(provider.find(request, new Set())).rejects.toMatchObject({ status: 404, retryable: false });
    github.faults.disturb(/runs/, { kind: "instead", status: 200, body: '{"workflow_runs":[{}]}' });
    await expect(provider.find(scene.request(), new Set())).rejects.toThrow("the answer is no list of runs");
  });
});

describe("reading a run on GitHub", () => {
  const read = (run: Run, request: RunRequest) => scene.provider.read(String(run.id), request);

  it("follows it through its life, and through being started again", async () => {
    const { github } = scene;
    const request = showing(scene.request());
    const run = addRun({ inputs: request.inputs });
    expect(await read(run, request)).toEqual({
      state: "queued",
      attempt: 1,
      url: `http://${github.host}/acme/web/actions/runs/${run.id}`,
      text: "",
      isOurs: true,
      showsId: true,
      startedAt: null,
      endedAt: null,
    });
    github.begin(run);
    const begun = new Date(Math.floor(run.startedAt.getTime() / 1000) * 1000);
    expect(await read(run, request)).toMatchObject({ state: "running", startedAt: begun, endedAt: null });
    github.complete(run, "success");
    const ended = new Date(Math.floor(run.updatedAt.getTime() / 1000) * 1000);
    expect(await read(run, request)).toMatchObject({ state: "success", text: "", endedAt: ended });
    github.rerun(run);
    expect(await read(run, request)).toMatchObject({ state: "queued", attempt: 2, endedAt: null });
  });

  it.for([
    ["success", "success", ""],
    ["neutral", "success", "ended neither good nor bad"],
    ["failure", "failure", "failed: deploy"],
    ["timed_out", "failure", "took longer than it may: deploy"],
    ["cancelled", "canceled", "was cancelled on GitHub"],
    ["startup_failure", "error", "the workflow file may be wrong"],
    ["stale", "error", "nothing was heard of it"],
    ["skipped", "error", "was skipped"],
    ["action_required", "queued", "waits on GitHub for somebody to approve it"],
    ["something_new", "error", 'ended with "something_new"'],
  ] as const)("takes the conclusion %s for %s", async ([conclusion, state, text]) => {
    const run = addRun();
    scene.github.complete(run, conclusion);
    const reading = await read(run, scene.request());
    expect(reading).toMatchObject({ state, text: expect.stringContaining(text) as string });
    expect(reading?.endedAt === null).toBe(state === "queued");
  });

  it.for([
    ["requested", "queued"],
    ["waiting", "queued"],
    ["pending", "queued"],
    ["something_new", "queued"],
  ] as const)("takes the status %s for %s", async ([status, state]) => {
    const run = addRun();
    scene.github.hold(run, status);
    expect(await read(run, scene.request())).toMatchObject({ state, endedAt: null });
  });

  it("names the jobs and steps that failed, and does without them when GitHub does not tell", async () => {
    const { github } = scene;
    const run = addRun();
    const bad = (name: string) => ({ name, conclusion: "failure" });
    github.complete(run, "failure", [
      { name: "build", conclusion: "success", steps: [{ name: "checkout", conclusion: "success" }] },
      {
        name: "test",
        conclusion: "failure",
        steps: [{ name: "setup", conclusion: "success" }, bad("run tests")],
      },
      ...["a", "b", "c", "d", "e", "f"].map(bad),
    ]);
    const text = "failed: test (step run tests), a, b, c, d and 2 more";
    expect(await read(run, scene.request())).toMatchObject({ state: "failure", text });
    github.faults.disturb(/jobs/, { kind: "drop" }, 1);
    github.faults.disturb(/jobs/, { kind: "refuse", status: 403 }, 1);
    for (let count = 0; count < 2; count += 1)
      expect(await read(run, scene.request())).toMatchObject({ state: "failure", text: "failed" });
  });

  it("says that a run which was cancelled without a job gave way to a newer one", async () => {
    const run = addRun();
    scene.github.evict(run);
    const reading = await read(run, scene.request());
    expect(reading).toMatchObject({
      state: "canceled",
      text: expect.stringContaining("newer run") as string,
    });
  });

  it("reads what has not changed without using up GitHub's limit", async () => {
    const { github } = scene;
    const run = addRun();
    await read(run, scene.request());
    const left = github.limits.remaining;
    for (let count = 0; count < 3; count += 1)
      expect(await read(run, scene.request())).toMatchObject({ state: "queued" });
    expect(github.limits.remaining).toBe(left);
    expect(github.calls.at(-1)?.status).toBe(304);
    github.begin(run);
    expect(await read(run, scene.request())).toMatchObject({ state: "running" });
  });

  it("knows a run that is not ours: another workflow, another event, older", async () => {
    const { github, repository, workflow } = scene;
    const request = scene.request();
    const other = addRun({ workflow: github.addWorkflow(repository, "other.yml") });
    const pushed = addRun({ event: "push" });
    github.skewMillis = -120_000;
    const older = addRun();
    github.skewMillis = 0;
    const ours = addRun();
    for (const run of [other, pushed, older])
      expect(await read(run, request)).toMatchObject({ isOurs: false });
    expect(await read(ours, request)).toMatchObject({ isOurs: true, showsId: false });
    const byNumber = scene.request({ workflow: String(workflow.id), repository: "Acme/Web" });
    expect(await read(ours, byNumber)).toMatchObject({ isOurs: true });
  });

  it("knows no run of another repository, no run that is gone, and nothing that is no number", async () => {
    const { github, provider } = scene;
    const secret = github.addRepository("acme/secret", git);
    const run = addRun({ repository: secret, workflow: github.addWorkflow(secret, "deploy.yml") });
    for (const id of [String(run.id), "1", "../1", "", "1e3"])
      expect(await provider.read(id, scene.request())).toBeNull();
    expect(github.calls).toHaveLength(2);
  });

  it("follows a repository that was renamed, and then does not call the run ours", async () => {
    const { github, repository } = scene;
    const run = addRun();
    github.rename(repository, "acme/shop");
    expect(await read(run, scene.request())).toMatchObject({ state: "queued", isOurs: false });
    expect(await read(run, scene.request({ repository: "acme/shop" }))).toMatchObject({ isOurs: true });
  });

  it("fails for an answer that is not that run", async () => {
    const run = addRun();
    scene.github.faults.disturb(/runs/, { kind: "instead", status: 200, body: '{"id":1}' });
    await expect(read(run, scene.request())).rejects.toThrow("the answer is not that run");
  });
});

describe("cancelling a run on GitHub", () => {
  const cancel = (run: Run, force: boolean = false) =>
    scene.provider.cancel(String(run.id), scene.request(), { force });

  it("asks for it, and knows when the run is over", async () => {
    const run = addRun();
    scene.github.begin(run);
    expect(await cancel(run)).toBe("asked");
    expect(run).toMatchObject({ status: "completed", conclusion: "cancelled" });
    expect(await cancel(run)).toBe("over");
    expect(await cancel(run, true)).toBe("over");
  });

  it("can force a run that does not heed it", async () => {
    const run = addRun();
    run.stubborn = true;
    expect(await cancel(run)).toBe("asked");
    expect(run.status).toBe("queued");
    expect(await cancel(run, true)).toBe("asked");
    expect(run.status).toBe("completed");
  });

  it("is to be tried again where a re-run is not queued yet", async () => {
    const run = addRun();
    scene.github.complete(run, "failure");
    scene.github.rerun(run);
    scene.github.hold(run, "requested");
    await expect(cancel(run)).rejects.toMatchObject({ status: 409, retryable: true });
  });

  it("fails for a run that is not there, and for an address that is none", async () => {
    const { provider } = scene;
    const force = { force: false };
    await expect(provider.cancel("1", scene.request(), force)).rejects.toMatchObject({ status: 404 });
    const nowhere = scene.request({ repository: "acme" });
    await expect(provider.cancel("1", nowhere, force)).rejects.toThrow("is not a repository");
  });
});
