import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramScene, programScene, until, WAIT } from "../../../../test/support/programs.ts";

let scene: ProgramScene;
beforeAll(async () => {
  scene = await programScene({
    deploy: { script: "echo done" },
    broken: { script: "echo one\necho two >&2\nexit 3" },
    environment: { argv: ["/usr/bin/env"], environment: { PATH: "/usr/bin:/bin" } },
    arguments: { argv: ["/bin/echo", "$HOME; echo $(id)", "a  b", "*"] },
    input: { script: "cat; echo ended" },
    killed: { script: "kill -SEGV $$" },
    missing: { argv: ["/nowhere/at/all"] },
    forbidden: { argv: ["/etc/passwd"] },
    count: { script: 'echo x >> "$HEADGATE_COUNT"; sleep 0.2' },
    release: { script: 'cat "$HEADGATE_RELEASE_FILE"' },
    daemon: { script: "sleep 300 &\necho $! ; exit 0" },
    wait: { script: WAIT },
    place: { script: "pwd", workingDirectory: "/usr" },
  });
});
afterAll(() => scene.remove());

const logOf = (run: string) => scene.provider.readLog(run, 100_000);

describe("a program as a workflow", () => {
  it("succeeds when it ends with 0, and says when it began and ended", async () => {
    const request = scene.request("deploy");
    expect(await scene.provider.start(request)).toEqual({ kind: "started", run: request.id, url: null });
    const reading = await scene.untilEnded(request);
    expect(reading).toMatchObject({ state: "success", attempt: 1, text: "", isOurs: true, showsId: true });
    expect(reading.endedAt?.getTime()).toBeGreaterThanOrEqual(reading.startedAt?.getTime() ?? Infinity);
    expect(await logOf(request.id)).toBe("done\n");
  });

  it("fails with its exit code and the last lines of its log", async () => {
    const { state, text } = await scene.runToEnd(scene.request("broken"));
    expect(state).toBe("failure");
    expect(text).toMatch(/^exit code 3: (one\ntwo|two\none)$/);
  });

  it("fails with the signal that ended it", async () => {
    expect(await scene.runToEnd(scene.request("killed"))).toMatchObject({
      state: "failure",
      text: "ended by SIGSEGV",
    });
  });

  it("runs while it runs", async () => {
    const go = join(scene.folder, "go-on");
    const request = scene.request("wait", { HEADGATE_GO: go });
    await scene.provider.start(request);
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "running", endedAt: null });
    await writeFile(go, "");
    expect(await scene.untilEnded(request)).toMatchObject({ state: "success" });
  });

  it("sees the operator's environment and its inputs, and nothing else", async () => {
    const request = scene.request("environment", {
      HEADGATE_VERSION: "1.0.0",
      AVIATOR_DEPLOYMENT_ID: "7",
      HEADGATE_RELEASE_FILE: "/etc/passwd",
    });
    await scene.runToEnd(request);
    const lines = (await logOf(request.id))?.trimEnd().split("\n").toSorted();
    expect(lines).toEqual([
      "AVIATOR_DEPLOYMENT_ID=7",
      `HEADGATE_RELEASE_FILE=${join(scene.provider.runsDirectory, request.id, "release.json")}`,
      "HEADGATE_VERSION=1.0.0",
      "PATH=/usr/bin:/bin",
    ]);
  });

  it("gets its arguments as they are, past any shell", async () => {
    const request = scene.request("arguments");
    await scene.runToEnd(request);
    expect(await logOf(request.id)).toBe("$HOME; echo $(id) a  b *\n");
  });

  it("has nothing to read, and begins where the operator says", async () => {
    const input = scene.request("input");
    const place = scene.request("place");
    await scene.runToEnd(input);
    await scene.runToEnd(place);
    expect([await logOf(input.id), await logOf(place.id)]).toEqual(["ended\n", "/usr\n"]);
  });

  it("reads what is released from a file that is for the server's user alone", async () => {
    const request = { ...scene.request("release"), releaseJson: '{"items":["ü"]}' };
    await scene.runToEnd(request);
    expect(await logOf(request.id)).toBe('{"items":["ü"]}\n');
    const folder = join(scene.provider.runsDirectory, request.id);
    const modes = await Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))));
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual(modes.map(() => 0o600));
    const folders = await Promise.all([stat(folder), stat(scene.provider.runsDirectory)]);
    expect(folders.map(({ mode }) => mode & 0o777)).toEqual([0o700, 0o700]);
  });

  it("is an error when it cannot be run, in words without a path", async () => {
    const missing = await scene.runToEnd(scene.request("missing"));
    const forbidden = await scene.runToEnd(scene.request("forbidden"));
    expect(missing).toMatchObject({
      state: "error",
      text: "The program was not started: the program, or its working directory, is not there (ENOENT)",
    });
    expect(forbidden).toMatchObject({ state: "error", text: expect.stringContaining("(EACCES)") });
  });

  it("has ended when it has, though it left something behind that holds its output open", async () => {
    const request = scene.request("daemon");
    expect(await scene.runToEnd(request)).toMatchObject({ state: "success" });
    process.kill(Number(await logOf(request.id)), "SIGKILL");
  });
});

describe("a request that cannot be carried out", () => {
  it.for([
    ["a program that is not listed", { workflow: "rm" }, /allowed: arguments, broken, count/],
    ["a path", { workflow: "/bin/sh" }, /allows no such program/],
    ["a way up", { workflow: "../deploy" }, /allows no such program/],
    ["a name that every object has", { workflow: "constructor" }, /allows no such program/],
    ["an id that is a way up", { id: "../../../../etc/passwd00" }, /24 hex digits/],
    ["an id of another form", { id: "ABCDEF" }, /24 hex digits/],
    ["an input of another name", { inputs: { LD_PRELOAD: "/tmp/x.so" } }, /"LD_PRELOAD" is not/],
    ["an input in small letters", { inputs: { HEADGATE_x: "1" } }, /"HEADGATE_x" is not/],
    ["an input with a NUL", { inputs: { HEADGATE_X: "a\0b" } }, /NUL/],
    ["an input that is too long", { inputs: { HEADGATE_X: "x".repeat(131_072) } }, /128 KiB/],
    ["an intent of long ago", { intendedAt: new Date(Date.now() - 16 * 86_400_000) }, /15 days/],
  ] as const)("is refused: %s", async ([, change, words]) => {
    const before = await readdir(scene.provider.runsDirectory);
    const answer = await scene.provider.start({ ...scene.request("deploy"), ...change });
    expect(answer).toMatchObject({ kind: "refused", text: expect.stringMatching(words) });
    expect(JSON.stringify(answer)).not.toContain(scene.folder);
    expect(await readdir(scene.provider.runsDirectory)).toEqual(before);
  });

  it("takes the longest input that the system takes", async () => {
    const value = "x".repeat(32 * 4096 - "HEADGATE_X".length - 2);
    expect(await scene.runToEnd(scene.request("deploy", { HEADGATE_X: value }))).toMatchObject({
      state: "success",
    });
  });

  it("reads and cancels nothing outside of the runs", async () => {
    await mkdir(join(scene.folder, "other"));
    const request = scene.request("deploy");
    for (const run of ["../other", "..", "", "../../other", "0".repeat(24)]) {
      expect(await scene.provider.read(run, request)).toBeNull();
      expect(await scene.provider.readLog(run, 100)).toBeNull();
      await expect(scene.provider.cancel(run, request, { force: true })).rejects.toThrow("no such run");
    }
  });

  it("tells a run of another request or program from ours", async () => {
    const request = scene.request("deploy");
    await scene.runToEnd(request);
    const other = { ...request, id: scene.request("deploy").id };
    expect(await scene.provider.read(request.id, other)).toMatchObject({ isOurs: false });
    expect(await scene.provider.read(request.id, { ...request, workflow: "broken" })).toMatchObject({
      isOurs: false,
    });
  });
});

describe("a start that is repeated", () => {
  it("runs the program once, with twenty starts at once from two providers", async () => {
    const count = join(scene.folder, "count");
    const request = scene.request("count", { HEADGATE_COUNT: count });
    const other = await scene.again();
    const starts = Array.from({ length: 20 }, (_, nth) => (nth % 2 ? scene.provider : other).start(request));
    const started = { kind: "started", run: request.id, url: null };
    expect(await Promise.all(starts)).toEqual(starts.map(() => started));
    await scene.untilEnded(request);
    expect(await scene.provider.start(request)).toEqual(started);
    expect(await readFile(count, "utf8")).toBe("x\n");
    expect((await readdir(scene.provider.runsDirectory)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("that was given up has started nothing, or is seen", async () => {
    const count = join(scene.folder, "given-up");
    const given = AbortSignal.abort();
    const request = scene.request("count", { HEADGATE_COUNT: count });
    await expect(scene.provider.start(request, given)).rejects.toMatchObject({
      name: "ExternalSystemError",
      delivery: "not_sent",
    });
    const control = new AbortController();
    const start = scene.provider.start(request, control.signal);
    control.abort();
    const outcome = await start.catch(() => null);
    const found = await scene.provider.find(request, new Set());
    expect(found.kind).toBe(outcome === null ? "none" : "run");
    await scene.provider.start(request);
    await scene.untilEnded(request);
    expect(await readFile(count, "utf8")).toBe("x\n");
  });

  it("fails as not sent, and may be repeated, when the runs cannot be written", async () => {
    const away = await programScene({ deploy: { script: "exit 0" } });
    const runs = away.provider.runsDirectory;
    try {
      await rename(runs, `${runs}.away`);
      const request = away.request("deploy");
      await expect(away.provider.start(request)).rejects.toMatchObject({
        delivery: "not_sent",
        retryable: true,
        message: "The run of deploy could not be set up in the directory of runs: ENOENT",
      });
      await rename(`${runs}.away`, runs);
      expect(await away.runToEnd(request)).toMatchObject({ state: "success" });
    } finally {
      await away.remove();
    }
  });

  it("leaves a program to end by itself when it is asked for twice", async () => {
    const go = join(scene.folder, "twice");
    const request = scene.request("wait", { HEADGATE_GO: go });
    await scene.provider.start(request);
    const { wrapper } = await scene.processesOf(request.id);
    await scene.provider.start(request);
    expect((await scene.processesOf(request.id)).wrapper).toEqual(wrapper);
    await writeFile(go, "");
    await until(async () => ((await scene.untilEnded(request)).state === "success" ? true : null));
  });
});
