import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ENVIRONMENT, MAIN } from "../support/built-program.ts";
import { writeCommands } from "../support/deploy-scene.ts";
import { type GitServer, startGitServer } from "../support/git-server.ts";
import { describeWith } from "../support/real-parts.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ADMIN_TOKEN, startHeadgate, type TestServer } from "./headgate.ts";

const LIMIT = { timeout: 300_000 };

describeWith(["git"], "deployments on the command line, of commits from a real git server", () => {
  let home: { path: string; remove: () => Promise<void> };
  let test: TestServer;
  let git: GitServer;
  let commits: string[];
  /** While it is there, deployments of rc2 go on. */
  let gate: string;
  beforeAll(async () => {
    home = await temporaryDirectory();
    gate = join(home.path, "gate");
    const commands = await writeCommands(home.path, {
      deploy: `case "$HEADGATE_VERSION" in
        *-rc2) while [ -e ${gate} ]; do sleep 0.1; done;;
        *-rc3) echo no room left; exit 3;;
        esac`,
      build: 'case "$HEADGATE_VERSION" in *-rc9) echo does not compile; exit 1;; esac',
    });
    [test, git] = await Promise.all([startHeadgate({ HEADGATE_COMMANDS_FILE: commands }), startGitServer()]);
    const repository = await git.repository("acme/shop.git");
    commits = [];
    for (const message of ["one", "two", "three"])
      commits.push(await repository.commit({ message, parents: commits.slice(-1) }));
    await repository.branch("main", commits.at(-1) ?? "");
  });
  afterAll(async () => {
    await rm(gate, { force: true });
    await test.close();
    await git.stop();
    await home.remove();
  });

  const done = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await test.headgate(args);
    if (code !== 0 || stderr !== "") throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const refused = async (code: number, words: RegExp, ...args: string[]): Promise<void> => {
    const ended = await test.headgate(args);
    expect([args, ended.code, ended.stdout]).toEqual([args, code, expect.any(String)]);
    expect(ended.stderr).toMatch(words);
    expect(ended.stderr).not.toMatch(/ {4}at /);
  };
  const json = async <T>(...args: string[]): Promise<T> => JSON.parse(await done(...args, "--json")) as T;
  const cut = (version: string, commit = commits[0] ?? "", ...more: string[]) =>
    ["release", "cut", "--project", "shop", "--version", version, "--commit", commit].concat(more);

  it(
    "sets up a source, a project's repository, workflows and environments, and shows them",
    LIMIT,
    async () => {
      await done("project", "create", "shop");
      const open = ["--plain-http", "--allow-private", "--all-projects"];
      expect(await done("source", "add", "code", "--kind", "git", "--host", git.host, ...open)).toMatch(
        /^Source code \(git at .*\) is added\./,
      );
      await done("registry", "add", "prod", "--host", "registry.example");
      expect(await done("source", "list")).toMatch(
        /^code +git +127.* +\(anonymous\) +refused +every project$/m,
      );
      expect(await done("source", "list")).not.toContain("registry.example");
      expect(await done("registry", "list")).not.toContain("code");
      expect(await done("source", "test", "code", "--repository", "acme/shop")).toMatch(/^Source code works/);
      await refused(1, /acme\/none/, "source", "test", "code", "--repository", "acme/none");
      await refused(2, /git or github/, "source", "add", "x", "--kind", "svn", "--host", "x.example");

      for (const name of ["deploy", "build"])
        expect(
          await done("workflow", "create", "shop", name, "--provider", "command", "--target", name),
        ).toBe(`Workflow shop/${name} (command ${name}) is made.\n`);
      await done("workflow", "change", "shop", "deploy", "--parameter", "HEADGATE_MODE=custom:a=b:c");
      expect(await done("workflow", "show", "shop", "deploy")).toMatch(
        /^parameter +HEADGATE_MODE=custom:a=b:c$/m,
      );
      await done("workflow", "change", "shop", "deploy", "--no-parameter");
      expect(await done("workflow", "list", "shop")).toMatch(/^deploy +command +deploy$/m);
      await refused(2, /not name=source/, "workflow", "change", "shop", "deploy", "--parameter", "x=nothing");
      const rm_ = ["workflow", "create", "shop", "evil", "--provider", "command", "--target"];
      await refused(1, /target: must be the name/, ...rm_, "/bin/rm");
      await refused(1, /the operator allows build, deploy, not rm|deploy, build, not rm/, ...rm_, "rm");

      const changed = ["--source", "code", "--repository", "acme/shop", "--build-workflow", "build"];
      await done("project", "change", "shop", ...changed);
      expect(await done("project", "show", "shop")).toMatch(
        /^source +code\nrepository +acme\/shop\nbuild workflow +build$/m,
      );
      await done("environment", "create", "shop", "staging", "--tier", "staging", "--workflow", "deploy");
      await done("environment", "create", "shop", "prod", "--tier", "production", "--workflow", "deploy");
      await done(
        "environment",
        "change",
        "shop",
        "prod",
        "--promotion-from",
        "staging",
        "--time-limit",
        "30",
      );
      await done("environment", "create", "shop", "outside");
      expect(await done("environment", "list", "shop")).toMatch(
        /^staging +staging +deploy +queue\nprod +production +deploy +staging +queue\noutside +development +\(reported\) +queue$/m,
      );
      await refused(2, /what shall be different/, "environment", "change", "shop", "prod");
      expect(await done("environment", "show", "shop", "prod")).toMatch(/^runs +nothing that is known$/m);
    },
  );

  it("cuts candidates, builds them, and says when a build fails", LIMIT, async () => {
    const short = commits[0]?.slice(0, 12);
    expect(await done(...cut("1.0.0-rc1"))).toBe(
      `Candidate 1.0.0-rc1 of shop is cut from ${short}.\nready\n`,
    );
    expect(await done(...cut("1.0.0-rc1", short))).toMatch(/was there already, cut from/);
    expect(await done(...cut("1.0.0-rc2", commits[1], "--build", "--watch"))).toMatch(
      /^ready: command build, ended/m,
    );
    await done(...cut("1.0.0-rc3", commits[2]));
    const failing = await test.headgate(cut("1.0.0-rc9", commits[2], "--build", "--watch"));
    expect(failing).toMatchObject({ code: 1 });
    expect(failing.stderr).toMatch(/the build of 1\.0\.0-rc9 of shop ended as failed: .*does not compile/s);
    await refused(1, /COMMIT_INVALID/, ...cut("1.0.0-rc4", "0123456789abcdef"));
    await refused(1, /CANDIDATE_INVALID/, ...cut("1.0.0"));
    await refused(1, /CANDIDATE_EXISTS/, ...cut("1.0.0-rc1", commits[1]));
    expect(await done("release", "candidates", "--project", "shop")).toMatch(
      /^1\.0\.0-rc9 +\S+ +failed: .*\n1\.0\.0-rc3 +\S+ +ready/m,
    );
    await refused(1, /RELEASE_NOT_READY/, "deploy", "shop", "staging", "1.0.0-rc9");
  });

  it("deploys, watches line by line, fails with the program's words, and goes back", LIMIT, async () => {
    for (const environment of ["staging", "prod"])
      expect(await done("deploy", "shop", environment, "1.0.0-rc1", "--watch")).toMatch(
        new RegExp(
          `^Deployment \\d+ brings 1\\.0\\.0-rc1 to shop/${environment}\\.\n(.*\n)*success\n1\\.0\\.0-rc1 runs in shop/${environment}, after`,
        ),
      );
    await refused(1, /PROMOTION_MISSING/, "deploy", "shop", "prod", "1.0.0-rc3");
    const failed = await test.headgate(["deploy", "shop", "staging", "1.0.0-rc3", "--watch"]);
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toMatch(/of 1\.0\.0-rc3 to shop\/staging ended as failure: .*no room left/s);
    const [, number = ""] = /^Deployment (\d+)/.exec(failed.stdout) ?? [];
    expect(await done("deployment", "show", number)).toMatch(
      /^version +1\.0\.0-rc1 → 1\.0\.0-rc3\nstatus +failure\nerror +.*no room left/m,
    );
    const back = await done("rollback", "shop", "staging", "--watch");
    expect(back).toMatch(/takes shop\/staging back from 1\.0\.0-rc3 to 1\.0\.0-rc1\.\n(.*\n)*success\n/);
    const list = await json<{ kind: string; status: string }[]>("deployment", "list", "shop", "staging");
    expect(list.map(({ kind, status }) => [kind, status])).toEqual([
      ["rollback", "success"],
      ["deploy", "failure"],
      ["deploy", "success"],
    ]);
    expect(await done("deployment", "list", "shop", "staging", "--status", "failure")).toMatch(
      /^\d+ +1\.0\.0-rc1 → 1\.0\.0-rc3 +failure /m,
    );
    await refused(1, /DEPLOYMENT_NOT_FOUND/, "deployment", "show", "4711");
    await refused(2, /no whole number/, "deployment", "show", "x");
    await refused(1, /DEPLOYMENT_OVER/, "cancel", number);
  });

  it(
    "holds what was left, tells automation why, and lets it pass when the hold is lifted",
    LIMIT,
    async () => {
      expect(await done("hold", "list", "shop", "staging")).toMatch(/^staging +1\.0\.0-rc3 /m);
      const why = await test.headgate(["why", "shop", "staging", "1.0.0-rc3", "--exit-code"]);
      expect(why).toMatchObject({ code: 1, stderr: "" });
      expect(why.stdout).toMatch(
        /^Closed: 1\.0\.0-rc3 to shop\/staging cannot go out, until the hold is lifted\.\n {2}✓ readiness: .*\n(.*\n)* {2}✗ hold: .*; opens when the hold is lifted; ask .*; role releaser may force it$/m,
      );
      await refused(2, /which version, or --all/, "hold", "lift", "shop", "staging");
      await done("hold", "lift", "shop", "staging", "1.0.0-rc3");
      await refused(1, /HOLD_NOT_FOUND/, "hold", "lift", "shop", "staging", "1.0.0-rc3");
      expect(await done("why", "shop", "staging", "1.0.0-rc3")).toMatch(/^Open: .* can go out now\.$/m);
      expect(await done("hold", "list", "shop")).not.toContain("rc3");
    },
  );

  it(
    "freezes: says until when and whom to ask, refuses, and lets force pass with a reason",
    LIMIT,
    async () => {
      const freeze = ["freeze", "create", "winter", "--project", "shop", "--environment", "prod"];
      const until = ["--until", "90d", "--owner", "Ana", "--reason", "nobody is there"];
      expect(await done(...freeze, ...until)).toMatch(/^Freeze winter of shop\/prod is made: .*keeps deploy/);
      expect(await done("freeze", "list")).toMatch(
        /^winter +shop\/prod +deny +.* to .* +keeps deployments +Ana +admin +nobody is there$/m,
      );
      expect(await done("freeze", "show", "winter")).toMatch(/^window +.* to /m);
      expect(await done("why", "shop", "prod", "1.0.0-rc1")).toMatch(
        /^Closed: .* cannot go out, until \d{4}-.*\n(.*\n)* {2}✗ freeze: frozen by winter: nobody is there; opens \d{4}-.*; ask Ana; role admin may force it$/m,
      );
      const deploy = ["deploy", "shop", "prod", "1.0.0-rc1"];
      await refused(1, /Frozen by winter.*ENVIRONMENT_FROZEN/, ...deploy);
      await refused(2, /--force needs a --reason/, ...deploy, "--force");
      await refused(2, /--reason goes with --force/, ...deploy, "--reason", "x");
      const forced = await json<{ forced: unknown[]; forceReason: string; status: string }>(
        ...deploy,
        "--force",
        "--reason",
        "the outage",
        "--watch",
      );
      expect(forced).toMatchObject({
        forced: [{ rule: "freeze" }],
        forceReason: "the outage",
        status: "success",
      });
      expect(await done("matrix", "--project", "shop")).toMatch(
        /^shop +prod +production +1\.0\.0-rc1 +.* +winter, until /m,
      );
      await done("freeze", "lift", "winter");
      expect(await done("freeze", "list")).not.toContain("winter");
      await refused(2, /--from needs --until/, ...freeze, "--from", "8h", "--reason", "x");
      await refused(2, /is no moment/, ...freeze, "--until", "soon", "--reason", "x");
      await refused(2, /go together/, ...freeze, "--cron", "0 9 * * *", "--reason", "x");
    },
  );

  it("marks a version bad and takes the mark off", LIMIT, async () => {
    const which = ["--project", "shop", "--version", "1.0.0-rc1"];
    await done("release", "mark-bad", ...which, "--reason", "loses orders");
    expect(await done("release", "candidates", "--project", "shop")).toMatch(/^1\.0\.0-rc1 .* bad /m);
    await refused(1, /marked bad: loses orders.*RELEASE_BAD/, "deploy", "shop", "staging", "1.0.0-rc1");
    await done("release", "unmark", ...which);
    await refused(1, /MARK_NOT_FOUND/, "release", "unmark", ...which);
  });

  it(
    "queues behind what is under way, leaves it running on Ctrl-C, and calls off what waits",
    LIMIT,
    async () => {
      await writeFile(gate, "");
      const watcher = spawn(process.execPath, [MAIN, "deploy", "shop", "staging", "1.0.0-rc2", "--watch"], {
        env: {
          ...ENVIRONMENT,
          HEADGATE_URL: test.url,
          HEADGATE_TOKEN: ADMIN_TOKEN,
          XDG_CONFIG_HOME: home.path,
        },
      });
      const complaint = text(watcher.stderr);
      let said = "";
      while (!said.includes("in_progress")) said += String((await once(watcher.stdout, "data"))[0]);
      const ended = once(watcher, "exit");
      watcher.kill("SIGINT");
      expect(await ended).toEqual([130, null]);
      const [, running = ""] = /^Deployment (\d+)/.exec(said) ?? [];
      expect(await complaint).toContain(
        `It goes on. Watch it again with: headgate deployment watch ${running}`,
      );

      expect(await done("why", "shop", "staging", "1.0.0-rc1")).toMatch(/^Open: .* can go out, behind 1\.$/m);
      const queued = await done("deploy", "shop", "staging", "1.0.0-rc1");
      expect(queued).toMatch(/\npending/);
      const [, waiting = ""] = /^Deployment (\d+)/.exec(queued) ?? [];
      expect(await done("cancel", waiting)).toBe(`Deployment ${waiting} is called off: canceled.\n`);
      await rm(gate);
      expect(await done("deployment", "watch", running)).toMatch(/1\.0\.0-rc2 runs in shop\/staging/);
      await refused(1, /Only a person/, "deployment", "start-again", waiting);
      await done("user", "create", "ana");
      await done("user", "grant", "ana", "--project", "shop", "--role", "releaser");
      const made = await test.headgate(["token", "create", "hers", "--user", "ana", "--scope", "full"]);
      const again = await test.headgate(["deployment", "start-again", waiting, "--watch"], {
        env: { HEADGATE_TOKEN: made.stdout.trim() },
      });
      expect(again).toMatchObject({ code: 0, stderr: "" });
      expect(again.stdout).toMatch(/brings 1\.0\.0-rc1 to shop\/staging/);
    },
  );

  it("takes reports where somebody else deploys", LIMIT, async () => {
    const report = ["report", "shop", "outside", "1.0.0-rc1"];
    expect(await done(...report, "in_progress")).toMatch(
      /^Deployment \d+ of 1\.0\.0-rc1 to shop\/outside: in_progress\.$/m,
    );
    await done(...report, "failure", "--message", "2 of 3 pods did not start");
    const [newest] = await json<{ number: number }[]>("deployment", "list", "shop", "outside");
    expect(await done("deployment", "show", String(newest?.number))).toContain("2 of 3 pods did not start");
    await refused(1, /status: /, ...report, "splendid");
  });
});
