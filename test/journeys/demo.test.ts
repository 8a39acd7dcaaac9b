import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { skopeo, skopeoAccess } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SCRIPT = join(import.meta.dirname, "../../scripts/demo.ts");
const PATIENCE_MILLIS = 240_000;
const DIGEST = /sha256:[0-9a-f]{64}/g;

/** `npm run demo` as somebody runs it: in a pipe, without colours, with nothing on standard input. */
interface DemoRun {
  readonly output: () => string;
  /** Resolves when the output holds the text, or the demonstration has ended. */
  readonly reached: (text: string) => Promise<void>;
  readonly interrupt: () => void;
  readonly ended: Promise<number | null>;
}

let temporary: Awaited<ReturnType<typeof temporaryDirectory>>;
let runs: DemoRun[] = [];

beforeEach(async () => {
  temporary = await temporaryDirectory();
  runs = [];
});
afterEach(async () => {
  for (const run of runs) run.interrupt();
  await Promise.all(runs.map((run) => run.ended));
  await temporary.remove();
});

function runDemo(args: readonly string[], environment: Readonly<Record<string, string>> = {}): DemoRun {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: temporary.path, NO_COLOR: "1", ...environment },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const run: DemoRun = {
    output: () => text,
    reached: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (text.includes(wanted)) resolve();
        };
        child.stdout.on("data", look);
        void ended.then(() => resolve());
        look();
      }),
    interrupt: () => void child.kill("SIGINT"),
    ended,
  };
  runs.push(run);
  return run;
}

/** How it ended, with all that it said for whoever reads a failed test. */
const outcomeOf = async (run: DemoRun): Promise<{ status: number | null; output: string }> => ({
  status: await run.ended,
  output: run.output(),
});

/** The line that begins with this text, and those behind it. */
const from = (output: string, text: string): string => output.slice(output.indexOf(text));

const isReachable = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`).then(
    (reply) => reply.ok,
    () => false,
  );

const urlsIn = (output: string): string[] =>
  [...output.matchAll(/^ +(?:build|production) +(http:\/\/\S+)$/gm)].map(([, url]) => url ?? "");

describe("npm run demo", { timeout: PATIENCE_MILLIS }, () => {
  test("moves a release between two servers, promotes and checks it, ends with 0 and leaves nothing", async () => {
    const run = runDemo(["--exit"]);
    expect(await outcomeOf(run)).toMatchObject({ status: 0 });
    const output = run.output();

    const [server, worker] = from(output, "3/11").match(DIGEST) ?? [];
    expect(server).not.toBe(worker);
    const shown = from(output, "7/11");
    expect(shown).toMatch(
      new RegExp(`image: 127\\.0\\.0\\.1:\\d+/headgate-demo/live-server:stable@${server ?? "?"}\n`),
    );
    expect(shown).toMatch(
      new RegExp(`image: 127\\.0\\.0\\.1:\\d+/headgate-demo/live-worker:stable@${worker ?? "?"}\n`),
    );
    expect(shown).toContain("replicas: 2 # comments stay where they are");
    const [, before, after] = /production's registry +(\S+ \S+) before, (\S+ \S+) after/.exec(output) ?? [];
    expect(before).toMatch(/^[1-9]/);
    expect(after).toBe(before);
    expect(output).toContain("4 tags verified");
    expect(output).toContain("cargo for this demonstration and nothing to run");

    const ran = from(output, "9/11");
    expect(ran).toMatch(
      /0\.1\.0 to staging\n(.*\n)* +success\n +0\.1\.0 runs in headgate-demo\/staging, after/,
    );
    expect(ran).toMatch(/failure: exit code 1: .*2 of 3 replicas did not become ready\n/);
    expect(ran).toMatch(/✓ rolled back to 0\.1\.0 /);
    const asked = from(output, "11/11");
    expect(asked).toMatch(
      /Closed: 0\.1\.0-stable to live cannot go out, until the hold is lifted, and more\./,
    );
    expect(asked).toMatch(
      /✗ freeze: frozen by weekend: nobody is there; opens \d{4}-.*; ask Ana; role admin may force it/,
    );
    expect(asked).toMatch(/deploying 0\.1\.0 now +ENVIRONMENT_FROZEN/);

    expect(output).not.toContain("\u001b");
    expect(await readdir(temporary.path)).toEqual([]);
    const urls = urlsIn(output);
    expect(urls).toHaveLength(2);
    expect(await Promise.all(urls.map(isReachable))).toEqual([false, false]);
  });

  test("stops at once when interrupted in the middle, and leaves nothing", async () => {
    const run = runDemo([]);
    await run.reached("2/11");
    run.interrupt();
    expect(await outcomeOf(run)).toMatchObject({ status: 130 });
    expect(run.output()).not.toContain("3/11");
    expect(await readdir(temporary.path)).toEqual([]);
    expect(await Promise.all(urlsIn(run.output()).map(isReachable))).toEqual([false, false]);
  });

  test("says what went wrong, shows what the server said last, and ends with 1", async () => {
    const run = runDemo(["--exit", "--source-registry", "127.0.0.1:1", "--plain-http"]);
    expect(await outcomeOf(run)).toMatchObject({ status: 1 });
    expect(run.output()).toMatch(/The demo failed in the step "Push .*": .* got no answer: .*ECONNREFUSED/);
    expect(run.output()).toMatch(/The production server \(still running\); its last lines:\n +\S/);
    expect(await readdir(temporary.path)).toEqual([]);
  });

  test.each([
    [["--frobnicate"], "--frobnicate"],
    [["--source-registry", "http://registry.example.com"], "host[:port][/namespace]"],
    [["--target-registry", "registry.example.com/UPPER"], "host[:port][/namespace]"],
    [["--plain-http"], "neither is given"],
    [["--source-user", "me"], "--source-registry, which is not given"],
    [["--target-registry", "registry.example.com", "--target-user", "me"], "DEMO_TARGET_PASSWORD"],
  ])("refuses %j in one line before anything starts", async (args, words) => {
    const run = runDemo(args);
    expect(await run.ended).toBe(2);
    expect(run.output()).toContain(words);
    expect(run.output()).not.toContain("1/11");
  });

  test("explains itself with --help", async () => {
    const run = runDemo(["--help"]);
    expect(await run.ended).toBe(0);
    for (const option of ["--exit", "--source-registry", "--target-registry", "--plain-http"])
      expect(run.output()).toContain(option);
  });
});

describeWith(["docker-registry", "skopeo"], "npm run demo between outside registries", () => {
  let source: TestRegistry;
  let target: TestRegistry;
  beforeEach(async () => {
    source = await startRegistry({ auth: "htpasswd" });
    target = await startRegistry({ auth: "token" });
  });
  afterEach(async () => {
    await source.stop();
    await target.stop();
  });

  const inspect = async (image: string): Promise<{ Digest: string; Layers: string[] }> => {
    const text = await skopeo("inspect", ...skopeoAccess(target), `docker://${image}`);
    return JSON.parse(text.toString()) as { Digest: string; Layers: string[] };
  };

  test(
    "copies there, then stays up to be tried out until it is interrupted",
    { timeout: PATIENCE_MILLIS },
    async () => {
      const run = runDemo(
        [
          "--plain-http",
          `--source-registry=${source.host}/team/apps`,
          `--source-user=${source.username ?? ""}`,
          `--target-registry=${target.host}`,
          `--target-user=${target.username ?? ""}`,
        ],
        { DEMO_SOURCE_PASSWORD: source.password ?? "", DEMO_TARGET_PASSWORD: target.password ?? "" },
      );
      await run.reached("Ctrl-C stops");
      const output = run.output();
      expect(output).toContain("4 tags verified");

      const [serverDigest, workerDigest] = from(output, "3/11").match(DIGEST) ?? [];
      const server = await inspect(`${target.host}/headgate-demo/server:0.1.0`);
      const worker = await inspect(`${target.host}/headgate-demo/live-worker:stable`);
      expect(server.Digest).toBe(serverDigest);
      expect(worker.Digest).toBe(workerDigest);
      expect(worker.Layers.slice(0, 3)).toEqual(server.Layers);
      expect(
        source.requests.some((line) => line.startsWith("PUT /v2/team/apps/server/manifests/0.1.0")),
      ).toBe(true);

      const [, url = ""] = /export HEADGATE_URL=(\S+)/.exec(output) ?? [];
      const [, token = ""] = /export HEADGATE_TOKEN=(\S+)/.exec(output) ?? [];
      const [, list = ""] = /curl -H "Authorization: Bearer \$HEADGATE_TOKEN" "([^"]+)"/.exec(output) ?? [];
      const reply = await fetch(list, { headers: { authorization: `Bearer ${token}` } });
      expect(await reply.json()).toMatchObject({
        total: 2,
        list: [{ version_name: "0.1.0-stable", status: "success" }, { version_name: "0.1.0" }],
      });
      expect(await isReachable(url)).toBe(true);

      run.interrupt();
      expect(await outcomeOf(run)).toMatchObject({ status: 0 });
      expect(await isReachable(url)).toBe(false);
      expect(await readdir(temporary.path)).toEqual([]);
    },
  );
});
