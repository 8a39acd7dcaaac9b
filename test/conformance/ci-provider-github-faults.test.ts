import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { StartFailedError } from "../../src/connectors/ci-providers/ci-provider.ts";
import type { HttpClientOptions } from "../../src/connectors/http-client.ts";
import { ExternalSystemError } from "../../src/kernel/errors.ts";
import type { Fault } from "../support/github/faults.ts";
import { type BareRepository, createBareRepository } from "../support/github/bare-repository.ts";
import { githubScene, type GithubScene, SCENE_TOKEN } from "../support/github/github-scene.ts";

const NEVER = 500;

describe("a start on GitHub that fails", () => {
  let git: BareRepository;
  let scene: GithubScene;

  beforeAll(async () => {
    git = await createBareRepository();
  });

  afterAll(() => git.remove());

  beforeEach(async () => {
    scene = await githubScene(git, { firstByteMillis: NEVER });
  });

  afterEach(() => scene.close());

  const failure = async (work: Promise<unknown>): Promise<ExternalSystemError> => {
    const error: unknown = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof ExternalSystemError))
      throw new Error(`no failure of the outside: ${String(error)}`);
    expect(error.system).toBe("our-github");
    expect(JSON.stringify(error) + error.message + String(error.stack)).not.toContain(SCENE_TOKEN);
    return error;
  };
  const startFailure = async (work: Promise<unknown>): Promise<StartFailedError> => {
    const error = await failure(work);
    if (!(error instanceof StartFailedError)) throw error;
    return error;
  };

  it.for([
    ["502 after the run was made", { kind: "instead", status: 502, body: "<html>Bad gateway</html>" }, 1],
    ["no answer in time after the run was made", { kind: "withhold" }, 1],
    ["an answer that breaks off after the run was made", { kind: "cut" }, 1],
    ["an answer that is far too long", { kind: "instead", status: 200, body: "x".repeat(9_000_000) }, 1],
    ["503 before it was made", { kind: "refuse", status: 503 }, 0],
    ["a connection that is reset", { kind: "drop" }, 0],
  ] as const satisfies readonly (readonly [string, Fault, number])[])(
    "with %s is unclear, is not repeated, and then found or not",
    async ([, fault, runs]) => {
      const { github, provider } = scene;
      github.faults.disturb(/dispatches/, fault, 1);
      const request = scene.request();
      expect(await startFailure(provider.start(request))).toMatchObject({ delivery: "unclear" });
      expect(scene.dispatches()).toBe(1);
      expect(github.runs).toHaveLength(runs);
      const [run] = github.runs;
      expect(await provider.find(request, new Set())).toEqual(
        run
          ? { kind: "run", run: String(run.id), url: `http://${github.host}/acme/web/actions/runs/${run.id}` }
          : { kind: "none" },
      );
      expect(scene.dispatches()).toBe(1);
    },
  );

  it("because GitHub is down was not sent, and goes well when it is back on the same port", async () => {
    const { github, provider } = scene;
    await github.down();
    const error = await startFailure(provider.start(scene.request()));
    expect(error).toMatchObject({ delivery: "not_sent", retryable: true, status: null });
    expect(error.message).toBe(`connecting to ${github.host}: connection refused`);
    await github.up();
    expect(await provider.start(scene.request())).toMatchObject({ kind: "started" });
    expect(github.runs).toHaveLength(1);
  });

  it.for([
    ["the host name is not known", { host: "github.invalid" }, true],
    ["no TLS is spoken there", { plainHttp: false }, true],
    ["the address may not be reached", { allowPrivate: false }, false],
  ] as const)("because %s was not sent", async ([, changes, retryable]) => {
    const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    const options: HttpClientOptions = { resolve: () => Promise.reject(unknown) };
    const provider = scene.another(changes, options);
    const error = await startFailure(provider.start(scene.request()));
    expect(error).toMatchObject({ delivery: "not_sent", retryable });
    expect(scene.github.calls).toHaveLength(0);
  });

  it("because its host is left alone for now was not sent", async () => {
    const { github, provider } = scene;
    github.faults.disturb(
      /dispatches/,
      { kind: "refuse", status: 429, headers: { "retry-after": "120" } },
      1,
    );
    const limited = await startFailure(provider.start(scene.request()));
    expect(limited).toMatchObject({ delivery: "not_sent", retryAfterMillis: 120_000 });
    const held = await startFailure(provider.start(scene.request()));
    expect(held).toMatchObject({ delivery: "not_sent", retryable: true });
    expect(held.message).toContain("it wants to be called less often");
    expect(scene.dispatches()).toBe(1);
  });

  it("because the program is stopping was not sent", async () => {
    const { provider, github } = scene;
    await scene.closeClients();
    expect(await startFailure(provider.start(scene.request()))).toMatchObject({ delivery: "not_sent" });
    expect(github.calls).toHaveLength(0);
  });

  it.for([
    [403, 60, 60_000],
    [403, null, 60_000],
    [429, 7, 7_000],
  ] as const)("for a secondary limit, HTTP %s with Retry-After %s, was not sent", async (limit) => {
    const [status, retryAfterSeconds, retryAfterMillis] = limit;
    const { github, provider } = scene;
    github.limits.secondary = { left: 1, status, retryAfterSeconds };
    const error = await startFailure(provider.start(scene.request()));
    expect(error).toMatchObject({ delivery: "not_sent", retryable: true, status, retryAfterMillis });
    expect(error.message).toContain("secondary rate limit");
    expect(github.runs).toHaveLength(0);
  });

  it("for the hourly limit was not sent, and says when the hour is over", async () => {
    const { github, provider } = scene;
    Object.assign(github.limits, { remaining: 0, resetAt: new Date(Date.now() + 600_000) });
    const error = await startFailure(provider.start(scene.request()));
    expect(error).toMatchObject({ delivery: "not_sent", retryable: true, status: 403 });
    expect(error.retryAfterMillis).toBeGreaterThan(590_000);
    expect(error.retryAfterMillis).toBeLessThanOrEqual(601_000);
    const other = await failure(provider.find(scene.request(), new Set()));
    expect(other).toMatchObject({ retryable: true, status: 403 });
    expect(other.retryAfterMillis).toBeGreaterThan(590_000);
  });

  it.for([
    ["a reset", { kind: "drop" }],
    ["502", { kind: "refuse", status: 502 }],
    ["nonsense", { kind: "instead", status: 200, body: "[]" }],
  ] as const satisfies readonly (readonly [string, Fault])[])(
    "because the default branch could not be read, for %s, was not sent",
    async ([, fault]) => {
      const { github, provider } = scene;
      github.faults.disturb(/^GET \/repos\/acme\/web$/, fault, 1);
      const error = await startFailure(provider.start(scene.request({ ref: null })));
      expect(error).toMatchObject({ delivery: "not_sent" });
      expect(scene.dispatches()).toBe(0);
    },
  );

  it("is a refusal where the repository whose default branch is asked for is not there", async () => {
    const { provider } = scene;
    const answer = await provider.start(scene.request({ ref: null, repository: "acme/nope" }));
    expect(answer).toEqual({ kind: "refused", text: expect.stringContaining("Not Found") as string });
    expect(scene.dispatches()).toBe(0);
  });

  it("by the second send to an old server is told as that send went", async () => {
    const { github, provider } = scene;
    github.dispatchAnswer = "refuse_field";
    github.hooks.onDispatch = () => github.faults.heal();
    github.faults.disturb(/dispatches/, { kind: "instead", status: 502 });
    github.faults.disturb(/dispatches/, { kind: "until", promise: Promise.resolve() }, 1);
    const request = scene.request();
    expect(await startFailure(provider.start(request))).toMatchObject({ delivery: "unclear", status: 502 });
    expect(scene.dispatches()).toBe(2);
    expect(github.runs).toHaveLength(1);
  });

  it("because its caller gave up ends with the caller's reason, while the run may be there", async () => {
    const { github, provider } = scene;
    const giveUp = new AbortController();
    github.hooks.onDispatch = () => giveUp.abort(new Error("taken away"));
    github.faults.disturb(/dispatches/, { kind: "withhold" }, 1);
    await expect(provider.start(scene.request(), giveUp.signal)).rejects.toThrow("taken away");
    expect(github.runs).toHaveLength(1);
  });

  it("hides the token even where GitHub would repeat it", async () => {
    const { github, provider } = scene;
    const body = JSON.stringify({ message: `no entry for ${SCENE_TOKEN}\nhere` });
    const headers = { "content-type": "application/json" };
    github.faults.disturb(/dispatches/, { kind: "refuse", status: 403, body, headers }, 1);
    github.faults.disturb(/runs/, { kind: "refuse", status: 500, body, headers }, 1);
    expect(await provider.start(scene.request())).toEqual({
      kind: "refused",
      text: "starting deploy.yml in acme/web: no entry for *** here",
    });
    expect((await failure(provider.find(scene.request(), new Set()))).message).toContain("no entry for ***");
  });
});
