import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ResolvedCommit, SourceTarget } from "../../src/connectors/source-hosts/source-host.ts";
import type { GitRepository } from "../support/git-repository.ts";
import { startGitServer } from "../support/git-server.ts";
import { describeWith } from "../support/real-parts.ts";
import { makeHistory, makeSourceScene, type SourceScene } from "../support/source-scene.ts";
import { answer, startStandIn } from "../support/stand-in.ts";

describeWith(["git"], "a source host that does not do what it should", () => {
  let scene: SourceScene;
  let count = 0;
  let repository: GitRepository;
  let tip: string;

  /** A repository that nobody has mirrored yet. */
  const another = async (): Promise<[GitRepository, string]> => {
    const made = await scene.server.repository(`team/number-${(count += 1)}.git`);
    const [, , last] = await makeHistory(made);
    return [made, last];
  };
  const resolve = (changes: Partial<SourceTarget> = {}, text = tip): Promise<ResolvedCommit> =>
    scene.hosts.resolveCommit(scene.target(repository, changes), text);
  const failing = (message: unknown, retryable: boolean) => ({
    name: "ExternalSystemError",
    system: "code",
    message,
    retryable,
  });

  beforeAll(async () => {
    scene = await makeSourceScene();
    [repository, tip] = await another();
  });
  afterAll(() => scene.stop());

  it("has no such repository", async () => {
    const url = new URL(`${scene.server.url}/team/none.git`);
    expect(await resolve({ url })).toEqual({
      kind: "no_repository",
      text: `${scene.server.host} has no repository team/none.git: there is none, or this connection may not read it`,
    });
  });

  it("speaks HTTP, but not git's", async () => {
    const page = await startStandIn();
    page.always(
      "GET /team/shop.git/info/refs",
      answer(200, { "content-type": "text/html" }, "<h1>Hello</h1>\n"),
    );
    const url = new URL(`http://${page.host}/team/shop.git`);
    expect(await resolve({ url })).toMatchObject({ kind: "no_repository" });
    await page.stop();
  });

  it("refuses a sign-in, wants one, or takes it", async () => {
    const signIn = { username: "robot", password: "s3cret-of-the-robot" };
    scene.server.requireSignIn(signIn);
    try {
      const wrong = { credentials: { ...signIn, password: "guess" }, name: "wrong" };
      expect(await resolve({ name: "nobody" })).toEqual({
        kind: "no_repository",
        text: `${scene.server.host} does not show team/number-1.git: it cannot be read without a sign-in`,
      });
      expect(await resolve(wrong)).toEqual({
        kind: "no_repository",
        text: `${scene.server.host} does not show team/number-1.git: the sign-in of this connection was refused`,
      });
      expect(await resolve({ credentials: signIn, name: "right" })).toEqual({ kind: "commit", sha: tip });
    } finally {
      scene.server.requireSignIn(null);
    }
  });

  it("redirects elsewhere, where nobody follows", async () => {
    const elsewhere = await startGitServer();
    scene.server.fault({ kind: "redirect", to: elsewhere.url });
    const words = `reading from ${scene.server.host}: it redirects, and redirects are not followed`;
    await expect(resolve({ name: "redirected" })).rejects.toMatchObject({ message: words, retryable: false });
    expect(elsewhere.calls).toEqual([]);
    scene.server.fault(null);
    await elsewhere.stop();
  });

  it.for([
    [500, true],
    [503, true],
    [429, true],
    [501, false],
    [418, false],
  ] as const)("answers %i, which may pass: %s", async ([status, retryable]) => {
    scene.server.fault({ kind: "status", status });
    const words = expect.stringContaining(`reading from ${scene.server.host}: HTTP ${status}`);
    await expect(resolve({ name: "code" }, "abcdef0")).rejects.toMatchObject({
      ...failing(words, retryable),
      status,
    });
    scene.server.fault(null);
  });

  it("cuts the connection", async () => {
    scene.server.fault({ kind: "cut" });
    await expect(resolve({}, "abcdef0")).rejects.toMatchObject({ retryable: true });
    scene.server.fault(null);
  });

  it("does not listen at all, or has a name that nobody knows", async () => {
    const gone = await startGitServer();
    await gone.stop();
    const refused = resolve({ url: new URL(`${gone.url}/team/shop.git`) });
    await expect(refused).rejects.toMatchObject(
      failing(`connecting to ${gone.host}: connection refused`, true),
    );
    const unknown = resolve({ url: new URL("https://code.invalid/team/shop.git") });
    await expect(unknown).rejects.toMatchObject({ system: "code", retryable: true });
  });

  it.for([
    ["ssh://git@code.example/team/shop.git", "only https is read"],
    ["git://code.example/team/shop.git", "only https is read"],
    ["file:///etc", "only https is read"],
    ["ext::sh -c 'touch /tmp/x'", "only https is read"],
    ["ftp://code.example/team/shop.git", "only https is read"],
    ["https://ana:secret@code.example/team/shop.git", "an address with a user in it is not read"],
    ["https://code.example/team/shop.git?x=1", "an address with a query in it is not read"],
  ] as const)("has the address %s, which is refused", async ([address, words]) => {
    await expect(resolve({ url: new URL(address) })).rejects.toMatchObject(
      failing(expect.stringContaining(words), false),
    );
  });

  it("speaks plain HTTP, which its connection does not allow", async () => {
    await expect(resolve({ plainHttp: false })).rejects.toMatchObject(
      failing(expect.stringContaining("does not allow plain HTTP"), false),
    );
  });

  it.for(["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])(
    "has the private address %s, which its connection does not allow",
    async (host) => {
      const before = scene.server.calls.length;
      const port = new URL(scene.server.url).port;
      for (const scheme of ["http", "https"]) {
        const url = new URL(`${scheme}://${host}:${port}/team/number-1.git`);
        await expect(resolve({ url, allowPrivate: false })).rejects.toMatchObject(
          failing(expect.stringContaining("is private, which this connection does not allow"), false),
        );
      }
      expect(scene.server.calls.length).toBe(before);
    },
  );

  it("has the address of a metadata service, which no connection reaches", async () => {
    const url = new URL("http://169.254.169.254/team/shop.git");
    await expect(resolve({ url })).rejects.toMatchObject({
      message: expect.stringContaining("is never reached"),
      retryable: false,
    });
  });

  it("hangs: the caller is told when to ask again, and the next one after the time limit gets the commit", async () => {
    const patient = scene.another({ resolveMillis: 300, fetchMillis: 1_500 });
    const [other, last] = await another();
    scene.server.fault({ kind: "hang" });
    const waiting = patient.resolveCommit(scene.target(other), last);
    await expect(waiting).rejects.toMatchObject({
      ...failing(expect.stringContaining("did not answer within the time limit"), true),
      retryAfterMillis: 5_000,
    });
    await expect.poll(() => scene.server.calls.at(-1)?.abandoned(), { timeout: 20_000 }).toBe(true);
    scene.server.fault(null);
    const resolved = await scene.another().resolveCommit(scene.target(other), last);
    expect(resolved).toEqual({ kind: "commit", sha: last });
  });

  it("is slow: the fetch goes on without its caller, and the next one finds it done", async () => {
    const hasty = scene.another({ resolveMillis: 1_000 });
    const [other, last] = await another();
    scene.server.fault({ kind: "trickle", bytes: 50 });
    const target = scene.target(other);
    await expect(hasty.resolveCommit(target, last)).rejects.toMatchObject({ retryable: true });
    const found = () => hasty.resolveCommit(target, last).catch(() => null);
    await expect.poll(found, { timeout: 40_000 }).toEqual({ kind: "commit", sha: last });
    scene.server.fault(null);
    expect(
      scene.server.calls.filter(({ line }) => line.startsWith(`GET ${other.url.pathname}`)),
    ).toHaveLength(1);
  });

  it("is given up by a caller that goes, and by a program that stops, in the middle of it", async () => {
    const stopping = scene.another();
    const [other, last] = await another();
    scene.server.fault({ kind: "hang" });
    const leaving = new AbortController();
    const thrownBy = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);
    const left = thrownBy(stopping.resolveCommit(scene.target(other), last, leaving.signal));
    const staying = thrownBy(stopping.resolveCommit(scene.target(other), last));
    await expect.poll(() => scene.server.calls.at(-1)?.line).toContain(other.name);
    leaving.abort(new Error("gone"));
    await stopping.close();
    expect(await left).toEqual(new Error("gone"));
    expect(await staying).toMatchObject({ retryable: true, message: expect.stringContaining("stopping") });
    await expect.poll(() => scene.server.calls.at(-1)?.abandoned()).toBe(true);
    await expect(stopping.resolveCommit(scene.target(other), last)).rejects.toThrow("stopping");
    scene.server.fault(null);
  });

  it("has a repository over the limit, which is not taken whole, not kept, and then left alone", async () => {
    const frugal = scene.another({ sizeLimitBytes: 1024 * 1024 });
    const [other, last] = await another();
    const large = await other.commit({ message: randomBytes(6 * 1024 * 1024).toString("base64") });
    await other.branch("large", large);
    scene.server.fault({ kind: "trickle", bytes: 64 * 1024 });
    const words = `reading from ${scene.server.host}: the repository is larger than 1 MiB`;
    const target = scene.target(other, { name: "frugal" });
    await expect(frugal.resolveCommit(target, last)).rejects.toMatchObject({
      message: words,
      retryable: false,
    });
    await expect.poll(() => scene.server.calls.at(-1)?.abandoned(), { timeout: 30_000 }).toBe(true);
    scene.server.fault(null);
    const before = scene.server.calls.length;
    await expect(frugal.resolveCommit(target, last)).rejects.toMatchObject({ message: words });
    expect(scene.server.calls.length).toBe(before);
    const kept = await scene.another().resolveCommit(target, last);
    expect(kept).toEqual({ kind: "commit", sha: last });
    const smaller = scene.another({ sizeLimitBytes: 1024 }).resolveCommit(target, "abcdef0");
    await expect(smaller).rejects.toThrow("is larger than 0 MiB");
  });

  it.for([
    [
      "packs are cut short",
      async (mirror: string) => {
        for (const name of await readdir(join(mirror, "objects", "pack")))
          if (name.endsWith(".pack")) await truncate(join(mirror, "objects", "pack", name), 40);
      },
    ],
    ["packs are lost", (mirror: string) => rm(join(mirror, "objects", "pack"), { recursive: true })],
    ["objects are lost", (mirror: string) => rm(join(mirror, "objects"), { recursive: true })],
    ["head is garbage", (mirror: string) => writeFile(join(mirror, "HEAD"), randomBytes(50))],
    ["settings are garbage", (mirror: string) => writeFile(join(mirror, "config"), "[core")],
    ["names are garbage", (mirror: string) => writeFile(join(mirror, "packed-refs"), "nothing\n")],
    ["graph is garbage", (mirror: string) => rm(join(mirror, "objects", "info"), { recursive: true })],
    [
      "locks are left",
      async (mirror: string) => {
        for (const name of ["packed-refs.lock", "config.lock", "HEAD.lock"])
          await writeFile(join(mirror, name), "");
        await writeFile(join(mirror, "objects", "pack", "tmp_pack_abc"), "half");
      },
    ],
  ] as const)("is not to blame: a mirror whose %s is good again after one call", async ([, damage]) => {
    const own = await makeSourceScene();
    try {
      const made = await own.server.repository("team/damaged.git");
      const [first, , last] = await makeHistory(made);
      expect(await own.hosts.resolveCommit(own.target(made), last)).toMatchObject({ sha: last });
      await own.hosts.close();
      const [mirror = ""] = await own.mirrors();
      await damage(mirror);
      const next = await made.commit({ message: "Next", parents: [last] });
      await made.branch("main", next);
      const hosts = own.another();
      for (const sha of [last, next, first])
        expect(await hosts.resolveCommit(own.target(made), sha)).toEqual({ kind: "commit", sha });
    } finally {
      await own.stop();
    }
  });

  it("cannot be read without git, which is said", async () => {
    const hosts = scene.another({ program: "git-that-is-not-installed" });
    await expect(hosts.resolveCommit(scene.target(repository), tip)).rejects.toMatchObject({
      name: "ExternalSystemError",
      system: "git",
      retryable: false,
      message: "running git-that-is-not-installed: it is not installed on this machine",
    });
  });
});
