import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { GitRepository } from "../support/git-repository.ts";
import { describeWith } from "../support/real-parts.ts";
import { makeHistory, makeSourceScene, type SourceScene } from "../support/source-scene.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const WORKER = join(import.meta.dirname, "..", "support", "source-host-worker.ts");

describeWith(["git"], "many callers of one mirror", () => {
  let scene: SourceScene;
  let count = 0;
  const another = async (): Promise<[GitRepository, string]> => {
    const made = await scene.server.repository(`team/number-${(count += 1)}.git`);
    const [, , last] = await makeHistory(made);
    return [made, last];
  };
  const startWorker = (url: URL, text: string): ChildProcess =>
    spawn(process.execPath, [WORKER, JSON.stringify({ directory: scene.directory, url: url.href, text })], {
      stdio: ["ignore", "pipe", "inherit"],
    });
  const resultOf = async (worker: ChildProcess): Promise<unknown> =>
    worker.stdout ? JSON.parse(await textOf(worker.stdout)) : null;
  const fetchesOf = ({ url }: GitRepository): number =>
    scene.server.calls.filter(({ line }) => line.startsWith(`GET ${url.pathname}/info/refs`)).length;

  beforeAll(async () => {
    scene = await makeSourceScene();
  });
  afterAll(() => scene.stop());

  it("share one fetch when they all ask for the same unknown commit at once", async () => {
    const [repository, tip] = await another();
    const target = scene.target(repository);
    const missing = Array.from({ length: 20 }, () => scene.hosts.resolveCommit(target, "0".repeat(40)));
    for (const found of await Promise.all(missing)) expect(found.kind).toBe("invalid");
    expect(fetchesOf(repository)).toBe(1);
    const texts = Array.from({ length: 20 }, (_, at) => tip.slice(0, 7 + at));
    const found = await Promise.all(texts.map((text) => scene.hosts.resolveCommit(target, text)));
    for (const one of found) expect(one).toEqual({ kind: "commit", sha: tip });
    expect(fetchesOf(repository)).toBe(1);
  });

  it("who came while a fetch was under way are not content with what it saw", async () => {
    const [repository, tip] = await another();
    const target = scene.target(repository);
    scene.server.fault({ kind: "trickle", bytes: 60 });
    const early = scene.hosts.resolveCommit(target, "0".repeat(40));
    await expect.poll(() => scene.server.calls.at(-1)?.line).toContain(`POST /${repository.name}`);
    const next = await repository.commit({ message: "Next", parents: [tip] });
    await repository.branch("main", next);
    const late = scene.hosts.resolveCommit(target, next);
    scene.server.fault(null);
    expect((await early).kind).toBe("invalid");
    expect(await late).toEqual({ kind: "commit", sha: next });
  });

  it("may be several processes on one data directory", async () => {
    const [repository, tip] = await another();
    const workers = [tip, tip.slice(0, 7), "0".repeat(40)].map((text) => startWorker(repository.url, text));
    const own = scene.hosts.resolveCommit(scene.target(repository), tip);
    const [one, two, three] = await Promise.all(workers.map(resultOf));
    expect([one, two, await own]).toEqual(Array.from({ length: 3 }, () => ({ kind: "commit", sha: tip })));
    expect(three).toMatchObject({ kind: "invalid" });
  });

  it("are not held up by a process that was killed in the middle of its first fetch or of a later one", async () => {
    const [repository, tip] = await another();
    const target = scene.target(repository);
    let wanted = tip;
    for (const message of ["After the first", "After the second"]) {
      scene.server.fault({ kind: "hang" });
      const before = fetchesOf(repository);
      const worker = startWorker(repository.url, wanted);
      await expect.poll(() => fetchesOf(repository), { timeout: 20_000 }).toBe(before + 1);
      worker.kill("SIGKILL");
      await once(worker, "exit");
      scene.server.fault(null);
      expect(await scene.hosts.resolveCommit(target, wanted)).toEqual({ kind: "commit", sha: wanted });
      wanted = await repository.commit({ message, parents: [wanted] });
      await repository.branch("main", wanted);
    }
    const [folder = ""] = (await scene.mirrors()).map((mirror) => dirname(mirror));
    expect((await readdir(folder)).filter((name) => /^(claim|new|old)-/.test(name))).toEqual([]);
  });

  it("do not share a mirror when they come through two connections", async () => {
    const [repository, tip] = await another();
    const before = (await scene.mirrors()).length;
    await scene.hosts.resolveCommit(scene.target(repository, { name: "one" }), tip);
    await scene.hosts.resolveCommit(scene.target(repository, { name: "two" }), tip);
    expect((await scene.mirrors()).length).toBe(before + 2);
    expect(fetchesOf(repository)).toBe(2);
  });

  it("find mirrors that nobody used for a month removed", async () => {
    const [repository, tip] = await another();
    await scene.hosts.resolveCommit(scene.target(repository, { name: "old" }), tip);
    const mirrors = await scene.mirrors();
    const folder = dirname(mirrors[0] ?? "");
    const old = new Date(Date.now() - 31 * 24 * 3_600_000);
    await utimes(folder, old, old);
    await scene.another().resolveCommit(scene.target(repository, { name: "new" }), tip);
    await expect(stat(folder)).rejects.toThrow("ENOENT");
    expect((await scene.mirrors()).length).toBe(mirrors.length);
  });
});

describeWith(["git"], "git as it is run", () => {
  const password = "s3cret-of-the-robot";
  const encoded = Buffer.from(`robot:${password}`).toString("base64");
  let scene: SourceScene;
  let repository: GitRepository;
  let tip: string;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    scene = await makeSourceScene();
    repository = await scene.server.repository("team/shop.git");
    [, , tip] = await makeHistory(repository);
    folder = await temporaryDirectory();
  });
  afterAll(async () => {
    await scene.stop();
    await folder.remove();
  });

  it("has nothing of this process's environment or a user's settings, and a way out through the proxy alone", async () => {
    const program = join(folder.path, "git");
    const log = join(folder.path, "log");
    await writeFile(program, `#!/bin/sh\n{ echo "$@"; env; echo; } >> ${log}\nexec git "$@"\n`);
    await chmod(program, 0o755);
    process.env["GIT_SSL_NO_VERIFY"] = "1";
    process.env["HTTPS_PROXY"] = "http://proxy.example";
    try {
      const credentials = { username: "robot", password };
      const target = scene.target(repository, { credentials });
      expect(await scene.another({ program }).resolveCommit(target, tip)).toMatchObject({ sha: tip });
    } finally {
      delete process.env["GIT_SSL_NO_VERIFY"];
      delete process.env["HTTPS_PROXY"];
    }
    const said = await readFile(log, "utf8");
    expect(said).not.toMatch(/GIT_SSL_NO_VERIFY|HTTPS_PROXY/);
    expect(said).not.toContain(password);
    expect(said).toContain("fetch --quiet");
    const calls = said.split("\n\n").filter((call) => call.trim() !== "");
    for (const call of calls) {
      const [line = ""] = call.trim().split("\n");
      expect(line).not.toMatch(/headgate:|proxy|Basic|127[.]0[.]0[.]1:\d+@/);
      const fetches = line.startsWith("fetch");
      expect(call).toContain(`GIT_ALLOW_PROTOCOL=${fetches ? "http" : "none"}\n`);
      expect(call.includes(encoded)).toBe(fetches);
      expect(call).toContain("GIT_CONFIG_NOSYSTEM=1\n");
    }
  });

  it("shows no password in any list of processes, nor in an error, nor in its files", async () => {
    const hosts = scene.another({ resolveMillis: 20_000 });
    const before = scene.server.calls.length;
    scene.server.fault({ kind: "hang" });
    const target = scene.target(repository, {
      name: "hanging",
      credentials: { username: "robot", password },
    });
    const leaving = new AbortController();
    const ended = hosts.resolveCommit(target, "abcdef0", leaving.signal).catch((error: unknown) => error);
    await expect.poll(() => scene.server.calls.length, { timeout: 20_000 }).toBe(before + 1);
    expect(scene.server.calls.at(-1)?.authorization).toBe(`Basic ${encoded}`);
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const lines = await Promise.all(
      pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
    );
    const ofGit = lines.filter((line) => line.includes(scene.server.host));
    expect(ofGit.some((line) => line.includes("remote-http"))).toBe(true);
    for (const line of ofGit) expect(line).not.toMatch(new RegExp(`${password}|${encoded}|headgate:`));
    leaving.abort(new Error("left"));
    expect(await ended).toEqual(new Error("left"));
    await hosts.close();
    scene.server.fault({ kind: "status", status: 403 });
    const refused = await scene.another().resolveCommit(target, "abcdef0");
    expect(JSON.stringify(refused)).toContain("refused");
    expect(JSON.stringify(refused)).not.toMatch(new RegExp(`${password}|${encoded}`));
    scene.server.fault(null);
    for (const mirror of await scene.mirrors()) {
      const config = await readFile(join(mirror, "config"), "utf8").catch(() => "");
      expect(config).not.toMatch(new RegExp(`${password}|${encoded}|headgate`));
    }
  });

  it("is refused when it is too old to heed its bounds", async () => {
    const program = join(folder.path, "old-git");
    await writeFile(program, "#!/bin/sh\necho git version 2.31.9\n");
    await chmod(program, 0o755);
    await expect(scene.another({ program }).resolveCommit(scene.target(repository), tip)).rejects.toThrow(
      "version 2.32 or newer is needed, not git version 2.31.9",
    );
  });
});
