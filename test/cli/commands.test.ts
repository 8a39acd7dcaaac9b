import { lstat, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_TOKEN, runProgram, startHeadgate, type TestServer } from "./headgate.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const POLL = { timeout: 30_000, interval: 200 };

describe("the command line", () => {
  let home: { path: string; remove: () => Promise<void> };
  let test: TestServer;
  beforeAll(async () => {
    home = await temporaryDirectory();
    test = await startHeadgate();
  });
  afterAll(async () => {
    await test.close();
    await home.remove();
  });

  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await test.headgate([...args, "--json"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    return JSON.parse(stdout);
  };

  it("makes projects and shows them, as text and as JSON", async () => {
    expect(await json("project", "create", "shop", "--name", "The shop")).toMatchObject({ key: "shop" });
    expect((await test.headgate(["project", "create", "warehouse"])).stdout).toBe(
      "Project warehouse is made.\n",
    );
    const { stdout } = await test.headgate(["project", "list"]);
    expect(stdout.split("\n")[0]).toMatch(/^KEY +NAME +MADE$/);
    expect(stdout).toMatch(/^shop +The shop +\d{4}-\d\d-\d\d \d\d:\d\d$/m);
    expect(stdout).not.toContain("\u001b");
    expect(await json("project", "show", "shop")).toMatchObject({ key: "shop", name: "The shop" });
    const first = await test.headgate(["project", "list", "--limit", "1", "--json"]);
    expect(JSON.parse(first.stdout)).toHaveLength(1);
    expect(first.stderr).toMatch(/There are more/);
  });

  it("changes a project: its name, and whether signatures and SBOMs travel with its images", async () => {
    const shown = async () => (await test.headgate(["project", "show", "warehouse"])).stdout;
    expect(await shown()).toMatch(/^referrers +not copied$/m);
    const changed = await test.headgate(["project", "change", "warehouse", "--with-referrers"]);
    expect(changed.stdout).toBe("Project warehouse is changed.\n");
    expect(await shown()).toMatch(/^referrers +copied with their images$/m);
    const renamed = await json("project", "change", "warehouse", "--name", "Depot");
    expect(renamed).toMatchObject({ name: "Depot", withReferrers: true });
    const back = await json("project", "change", "warehouse", "--without-referrers");
    expect(back).toMatchObject({ name: "Depot", withReferrers: false });
    const nothing = await test.headgate(["project", "change", "warehouse"]);
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining("what shall be different")]);
  });

  it("ends with 1 when the server refuses, and says which field and why", async () => {
    const bad = await test.headgate(["project", "create", "Not A Key"]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toBe("");
    expect(bad.stderr).toMatch(/^headgate: .*\n {2}key: must be lower-case/);
    expect(bad.stderr).not.toMatch(/ {4}at /);
    const asJson = await test.headgate(["project", "show", "no-such", "--json"]);
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.stderr)).toMatchObject({
      status: 404,
      type: "urn:headgate:error:PROJECT_NOT_FOUND",
    });
  });

  it("ends with 2 on a wrong command line", async () => {
    for (const args of [
      ["project", "create"],
      ["projekt"],
      ["project", "list", "--limit", "0"],
      ["service", "list"],
    ]) {
      const { code, stderr } = await test.headgate(args);
      expect([args, code]).toEqual([args, 2]);
      expect(stderr).toMatch(/error:/);
    }
    const image = ["release", "create", "--project", "shop", "--version", "1", "--image", "nonsense"];
    expect(await test.headgate(image)).toMatchObject({ code: 2 });
  });

  it("ends with 3 when no server answers, or nobody is signed in", async () => {
    const env = { HEADGATE_URL: "http://127.0.0.1:1", HEADGATE_TOKEN: ADMIN_TOKEN };
    const dead = await runProgram(["project", "list"], { ...env, XDG_CONFIG_HOME: home.path });
    expect(dead.code).toBe(3);
    expect(dead.stderr).toMatch(/no answer from http:\/\/127\.0\.0\.1:1\/.*\n.*headgate serve/);
    const stranger = await runProgram(["whoami"], { HEADGATE_URL: test.url, XDG_CONFIG_HOME: home.path });
    expect(stranger).toMatchObject({ code: 3, stdout: "" });
    expect(stranger.stderr).toMatch(/headgate login/);
    const wrong = await test.headgate(["whoami"], { env: { HEADGATE_TOKEN: "hg_wrong" } });
    expect(wrong.code).toBe(3);
  });

  it("signs in with a password that is never an argument, keeps the token to itself, and signs out", async () => {
    const made = await test.headgate(["user", "create", "ana", "--password-stdin", "--json"], {
      input: "correct horse battery\n",
    });
    expect(JSON.parse(made.stdout)).toMatchObject({ name: "ana", hasPassword: true });
    await test.headgate(["user", "grant", "ana", "--project", "shop", "--role", "releaser"]);
    const env = { HEADGATE_URL: test.url, XDG_CONFIG_HOME: home.path };

    const refused = await runProgram(["login", "--user", "ana"], {
      ...env,
      HEADGATE_PASSWORD: "wrong horse",
    });
    expect(refused.code).toBe(3);
    const login = await runProgram(["login", "--user", "ana"], {
      ...env,
      HEADGATE_PASSWORD: "correct horse battery",
    });
    expect(login.stdout).toMatch(/^Signed in to .* as ana, until /);
    const profile = join(home.path, "headgate", "profile.json");
    expect((await stat(profile)).mode & 0o777).toBe(0o600);

    const whoami = await runProgram(["whoami", "--json"], env);
    expect(JSON.parse(whoami.stdout)).toMatchObject({
      name: "ana",
      roles: [{ project: "shop", role: "releaser" }],
    });
    const { token } = JSON.parse(await readFile(profile, "utf8")) as { token: string };
    expect((await runProgram(["logout"], env)).code).toBe(0);
    expect((await runProgram(["whoami"], env)).code).toBe(3);
    // The token is dead, not only forgotten.
    expect((await runProgram(["whoami"], { ...env, HEADGATE_TOKEN: token })).code).toBe(3);
  });

  it("keeps the token in a file of its own, whatever stood in its place", async () => {
    const elsewhere = join(home.path, "somebody-elses.json");
    const theirs = JSON.stringify({ url: "http://127.0.0.1:1", token: "old" });
    await writeFile(elsewhere, theirs, { mode: 0o644 });
    const profile = join(home.path, "headgate", "profile.json");
    await symlink(elsewhere, profile);
    const env = {
      HEADGATE_URL: test.url,
      XDG_CONFIG_HOME: home.path,
      HEADGATE_PASSWORD: "correct horse battery",
    };
    expect(await runProgram(["login", "--user", "ana"], env)).toMatchObject({ code: 0 });
    expect(await readFile(elsewhere, "utf8")).toBe(theirs);
    expect((await lstat(profile)).mode & 0o777).toBe(0o600);
    expect(await readdir(dirname(profile))).toEqual(["profile.json"]);
  });

  it("shows nothing of a foreign answer or file that could act on a terminal", async () => {
    const stranger = createServer((_, reply) => reply.writeHead(502).end("\u001b[2Jgone\u202e"));
    await new Promise<void>((done) => stranger.listen(0, "127.0.0.1", done));
    const { port } = stranger.address() as AddressInfo;
    const answered = await test.headgate(["whoami"], {
      env: { HEADGATE_URL: `http://127.0.0.1:${port}` },
    });
    stranger.close();
    expect(answered.stderr).toMatch(/HTTP 502.* \[2Jgone /);
    const crafted = JSON.stringify({
      chain: "\u001b[1A\u001b[2K",
      format: "headgate-audit-1",
      publicKey: "",
    });
    const checked = await runProgram(["audit", "verify"], {}, `${crafted}\n`);
    expect(checked.code).toBe(1);
    for (const { stdout, stderr } of [answered, checked])
      for (const bad of ["\u001b", "\u202e"]) expect(stdout + stderr).not.toContain(bad);
  });

  it("sends a kept token to no other server than the one that made it", async () => {
    await writeFile(
      join(home.path, "headgate", "profile.json"),
      JSON.stringify({ url: test.url, token: ADMIN_TOKEN }),
    );
    const elsewhere = { HEADGATE_URL: "http://localhost:1", XDG_CONFIG_HOME: home.path };
    expect((await runProgram(["whoami"], elsewhere)).stderr).toMatch(/not signed in to http:\/\/localhost:1/);
    expect(await runProgram(["whoami"], { XDG_CONFIG_HOME: home.path })).toMatchObject({ code: 0 });
  });

  it("makes tokens that allow less, shows them once, and revokes them", async () => {
    await test.headgate(["user", "create", "robot"]);
    await test.headgate(["user", "grant", "robot", "--project", "shop", "--role", "releaser"]);
    const args = ["token", "create", "ci", "--user", "robot", "--scope", "shop:viewer", "--expires", "90d"];
    const made = await test.headgate(args);
    const token = made.stdout.trim();
    expect(token).toMatch(/^hg_[0-9a-f]{24}_/);
    const env = { HEADGATE_TOKEN: token };
    expect((await test.headgate(["service", "list", "--project", "shop"], { env })).code).toBe(0);
    expect((await test.headgate(["service", "list", "--project", "warehouse"], { env })).stderr).toMatch(
      /Unknown project/,
    );
    const [listed] = (await json("token", "list", "--user", "robot")) as { id: string }[];
    expect(JSON.stringify(listed)).not.toContain(token);
    expect((await test.headgate(["token", "revoke", listed?.id ?? ""])).code).toBe(0);
    expect((await test.headgate(["whoami"], { env })).code).toBe(3);
    expect(
      (await test.headgate(["token", "create", "x", "--scope", "viewer", "--expires", "soon"])).code,
    ).toBe(2);
  });

  it("adds, changes and removes registries; a password never shows", async () => {
    const add = [
      "registry",
      "add",
      "prod",
      "--host",
      "registry.example",
      "--username",
      "robot",
      "--project",
      "shop",
    ];
    const none = await test.headgate(add);
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toMatch(/HEADGATE_REGISTRY_PASSWORD/);
    const env = { HEADGATE_REGISTRY_PASSWORD: "hush-hush" };
    expect((await test.headgate(add, { env })).stdout).toMatch(
      /^Registry prod \(registry\.example\) is added/,
    );
    const shown = await json("registry", "show", "prod");
    expect(shown).toMatchObject({ username: "robot", hasPassword: true, projects: [{ key: "shop" }] });
    expect(JSON.stringify(shown)).not.toContain("hush-hush");
    await json("registry", "change", "prod", "--namespace", "shop", "--all-projects");
    expect((await test.headgate(["registry", "list"])).stdout).toMatch(
      /^prod +registry\.example\/shop +robot +every project$/m,
    );
    expect((await test.headgate(["registry", "change", "prod"])).code).toBe(2);
    expect((await test.headgate(["registry", "change", "prod", "--host", "other.example"])).stderr).toMatch(
      /password/,
    );
    expect((await test.headgate(["registry", "remove", "prod"])).code).toBe(0);
    expect((await test.headgate(["registry", "show", "prod"])).code).toBe(1);
  });

  it("exports the audit log and checks it without a server, also a spoilt one", async () => {
    const file = join(home.path, "system.ndjson");
    const head = join(home.path, "head.json");
    await expect
      .poll(async () => {
        await test.headgate(["audit", "export", "-o", file]);
        const lines = (await readFile(file, "utf8")).trim().split("\n");
        await writeFile(head, lines.at(-1) ?? "");
        return lines.length;
      }, POLL)
      .toBeGreaterThan(5);
    const offline = (args: string[], input = "") =>
      runProgram(["audit", "verify", ...args], { HEADGATE_URL: "http://127.0.0.1:1" }, input);
    expect(await offline([file])).toMatchObject({ code: 0 });
    expect(await offline([file, "--head", head])).toMatchObject({ code: 0 });
    const spoilt = (await readFile(file, "utf8")).replace("user.created", "user.changed");
    const found = await offline(["--json"], spoilt);
    expect(found.code).toBe(1);
    expect(JSON.parse(found.stdout)).toMatchObject({ broken: { reason: "its content was changed" } });
    expect((await offline([file, "--head", "{}"])).code).toBe(2);
    expect((await offline([file])).stdout).toMatch(/signed with the key [0-9a-f]{64}: compare it/);
    expect((await offline([file, "--head", head])).stdout).not.toMatch(/compare it/);
    expect((await offline([join(home.path, "none")])).code).toBe(1);
  });
});
