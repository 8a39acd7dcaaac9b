import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeProject } from "../../src/projects/change-project.ts";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene } from "../support/deploy-scene.ts";
import { recordedEvents } from "../support/context.ts";
import { type Answer, valueAt } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const INVALID = { error: "Invalid release candidate version" };
const SHOWN = { headers: { prefer: "return=representation" } };

eachEngine((engine) => {
  describe("cutting a release", () => {
    let scene: DeployScene;
    let folder: { readonly path: string; readonly remove: () => Promise<void> };
    beforeAll(async () => {
      folder = await temporaryDirectory();
      const note = 'echo "$AVIATOR_RELEASE_CUT_ID $AVIATOR_RELEASE_CUT_COMMIT_HASH" >>';
      // The build of a version ends badly as long as its file is there.
      const build = `${note} '${folder.path}'/"built-$HEADGATE_VERSION"; [ ! -e '${folder.path}'/"bad-$HEADGATE_VERSION" ]`;
      scene = await deployScene(engine, { programs: { build } });
      await scene.addWorkflow("web", { name: "build", provider: "command", target: "build" });
      await changeProject(scene.server.ctx, { key: "web", buildWorkflow: "build" });
      await scene.addEnvironment("web", { name: "prod" });
    });
    afterAll(async () => {
      await scene.stop();
      await folder.remove();
    });

    const path = (version: string): string => `/api/releases/web/releases/${encodeURIComponent(version)}`;
    const shown = (version: string, commit = scene.commits[0], more: object = {}): Promise<Answer> =>
      scene.server.send("POST", path(version), { body: { repo: "acme/web", commit, ...more }, ...SHOWN });
    const isStored = async (version: string): Promise<boolean> =>
      (await scene.deploy("prod", version)).status === 201;
    const builds = async (version: string): Promise<string[]> =>
      (await readFile(join(folder.path, `built-${version}`), "utf8").catch(() => ""))
        .split("\n")
        .filter(Boolean);
    /** How the build ended. A repeated cut starts nothing unless it says so. */
    const built = async (version: string, commit = scene.commits[0]): Promise<unknown> => {
      for (;;) {
        const status = valueAt((await shown(version, commit)).json, "build_status");
        if (status !== "pending" && status !== "building") return status;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };

    test("answers 201 without a body, and says where the candidate is", async () => {
      const answer = await scene.cut("1.0.0-rc1");
      expect([answer.status, answer.text]).toEqual([201, ""]);
      expect(answer.headers.get("content-length")).toBe("0");
      expect(answer.headers.get("location")).toBe("/v1/projects/web/candidates/1.0.0-rc1");
      expect(answer.headers.get("x-release-id")).toMatch(/^[0-9a-f]{24}$/);
      expect(await isStored("1.0.0-rc1")).toBe(true);
      expect(await builds("1.0.0-rc1")).toEqual([]);
    });

    test("shows the candidate to whoever prefers to see it", async () => {
      const answer = await shown("1.0.1-rc1");
      expect(answer.headers.get("preference-applied")).toBe("return=representation");
      expect(answer).toMatchObject({
        status: 201,
        json: {
          build_status: "ready",
          commit: scene.commits[0],
          id: expect.any(Number),
          release_candidate_version: "1.0.1-rc1",
          release_version: "1.0.1",
        },
      });
    });

    test.each([
      ["2026.08.05-2-rc1", "2026.08.05-2"],
      ["1.2.3-rc1-rc2", "1.2.3-rc1"],
      ["2.0.0-rc2147483647", "2.0.0"],
      ["V1-rc1", "V1"],
      ["v1-rc1", "v1"],
    ])("reads %s as a candidate of %s", async (version, release) => {
      expect((await shown(version)).json).toMatchObject({ release_version: release });
    });

    test.each([
      "1.2.3",
      "1.2.3-rc",
      "1.2.3-RC1",
      "1.2.3.rc1",
      "-rc1",
      "1.2.3-rcx",
      "1.2.3-rc-1",
      "1.2.3-rc1 ",
      "1.2.3-rc0",
      "1.2.3-rc01",
      "1.2.3-rc2147483648",
      "1.2.3-rc１",
      "1..2-rc1",
      "a/b-rc1",
      "a b:c-rc1",
      "a~1-rc1",
      "a^-rc1",
      "a?-rc1",
      "a*-rc1",
      "a[-rc1",
      "a\\-rc1",
      "@{-rc1",
      "a\0-rc1",
      "a\n-rc1",
      ".a-rc1",
      "--upload-pack=x-rc1",
      `${"9".repeat(196)}-rc12`,
    ])("refuses the version %j and stores nothing", async (version) => {
      const before = (await recordedEvents(scene.server.ctx.db)).length;
      const body = { repo: "acme/web", commit: scene.commits[0] };
      expect(await scene.server.send("POST", path(version), { body })).toMatchObject({
        status: 400,
        json: INVALID,
      });
      // Neither project, repository nor commit is looked at before it.
      const other = path(version).replace("/web/", "/nope/");
      expect(await scene.server.send("POST", other, { body: {} })).toMatchObject({
        status: 400,
        json: INVALID,
      });
      expect(await recordedEvents(scene.server.ctx.db)).toHaveLength(before);
    });

    test("stores the full hash for one that is cut short, in either case of letters", async () => {
      const full = scene.commits[1] ?? "";
      expect((await shown("1.1.0-rc1", full.slice(0, 7))).json).toMatchObject({ commit: full });
      expect((await shown("1.1.0-rc2", full.toUpperCase())).json).toMatchObject({ commit: full });
    });

    test("refuses every text that names no commit", async () => {
      const { repository, commits } = scene;
      await repository.branch("deadbeef", commits[0] ?? "");
      await repository.branch("feature", commits[0] ?? "");
      const loose = await repository.commit({ message: "nothing leads here" });
      const texts = [
        "zzz",
        "main",
        "HEAD",
        "deadbeef",
        "feature",
        "",
        "f".repeat(40),
        "f".repeat(64),
        "abcdef",
        "--upload-pack=touch /tmp/x",
        `${commits[0]}^`,
        `${commits[0]}\n`,
        ` ${commits[0]}`,
        "$(id)",
        "../../etc",
        loose,
        null,
        7,
        true,
        ["main"],
        { sha: commits[0] },
        "a".repeat(1e5),
      ];
      for (const commit of texts) {
        const body = { repo: "acme/web", commit };
        const answer = await scene.server.send("POST", path("1.3.0-rc1"), { body });
        expect([commit, answer.status, answer.json]).toEqual([commit, 400, { error: "Invalid commit hash" }]);
      }
      const none = await scene.server.send("POST", path("1.3.0-rc1"), { body: { repo: "acme/web" } });
      expect(none).toMatchObject({ status: 400, json: { error: "Invalid commit hash" } });
      expect(await isStored("1.3.0-rc1")).toBe(false);
    });

    test("knows no other repository than the project's", async () => {
      const [commit] = scene.commits;
      for (const repo of [
        "acme/nope",
        "",
        "acme",
        "acme/web/",
        "../acme/web",
        "acme/web.git",
        null,
        7,
        undefined,
      ]) {
        const answer = await scene.server.send("POST", path("1.3.1-rc1"), { body: { repo, commit } });
        expect([repo, answer.status, answer.json]).toEqual([
          repo,
          404,
          { error: "GitHub repository not found" },
        ]);
      }
      expect(await isStored("1.3.1-rc1")).toBe(false);
      expect((await scene.cut("1.3.1-rc1", commit, { repo: "Acme/Web" })).status).toBe(201);
    });

    test("looks for the project before repository and commit", async () => {
      const answer = await scene.server.send("POST", "/api/releases/nope/releases/1.0.0-rc1", { body: {} });
      expect(answer).toMatchObject({ status: 404, json: { error: "Release project not found" } });
    });

    test("is the same when it is repeated, and refused from another commit", async () => {
      const [first, second] = scene.commits;
      const id = valueAt((await shown("1.4.0-rc1", first)).json, "id");
      expect(valueAt((await shown("1.4.0-rc1", first)).json, "id")).toBe(id);
      const other = await shown("1.4.0-rc1", second);
      expect(other).toMatchObject({ status: 409, json: { error: "Release candidate already exists" } });
      expect((await shown("1.4.0-rc1", first)).json).toMatchObject({ id, commit: first });
    });

    test("twenty times at once makes one candidate and one build", async () => {
      const more = { trigger_build_workflow: true };
      // On a busy machine git may take its time: then a client asks again, as it is told to.
      const insist = async (): Promise<Answer> => {
        const answer = await shown("1.5.0-rc1", undefined, more);
        return answer.status === 503 && answer.headers.has("retry-after") ? insist() : answer;
      };
      const answers = await Promise.all(Array.from({ length: 20 }, insist));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      const ids = new Set(answers.map(({ json }) => valueAt(json, "id")));
      expect(ids.size).toBe(1);
      expect(await built("1.5.0-rc1")).toBe("ready");
      expect(await builds("1.5.0-rc1")).toEqual([`${[...ids].join()} ${scene.commits[0]}`]);
      const made = (await recordedEvents(scene.server.ctx.db)).filter(({ json }) =>
        json.includes('"1.5.0-rc1"'),
      );
      expect(made.filter(({ kind }) => kind === "candidate.created")).toHaveLength(1);
    });

    test("twice at once from two commits makes one of them", async () => {
      const answers = await Promise.all(
        scene.commits.slice(0, 2).map((commit) => shown("1.5.1-rc1", commit)),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409]));
      const kept = answers.find(({ status }) => status === 201);
      const commit = String(valueAt(kept?.json, "commit"));
      expect((await shown("1.5.1-rc1", commit)).json).toEqual(kept?.json);
    });

    test("builds again only after a build that did not succeed, and only when asked to", async () => {
      const bad = join(folder.path, "bad-1.6.0-rc1");
      await writeFile(bad, "");
      await scene.cut("1.6.0-rc1", undefined, { trigger_build_workflow: true });
      expect(await built("1.6.0-rc1")).toBe("failed");
      expect(await scene.deploy("prod", "1.6.0-rc1")).toMatchObject({
        status: 400,
        json: { error: "Release candidate is not ready" },
      });
      await scene.cut("1.6.0-rc1");
      expect(await builds("1.6.0-rc1")).toHaveLength(1);
      await rm(bad);
      await scene.cut("1.6.0-rc1", undefined, { trigger_build_workflow: true });
      expect(await built("1.6.0-rc1")).toBe("ready");
      await scene.cut("1.6.0-rc1", undefined, { trigger_build_workflow: true });
      expect(await built("1.6.0-rc1")).toBe("ready");
      expect(await builds("1.6.0-rc1")).toHaveLength(2);
      expect(await isStored("1.6.0-rc1")).toBe(true);
    });

    test("takes candidates in any order and with gaps; the release keeps the commit of the highest", async () => {
      const [one = "", two = "", three = ""] = scene.commits;
      const commitOf = async (): Promise<unknown> =>
        (
          await scene.server.ctx.db
            .selectFrom("releases")
            .select("commit_sha")
            .where("version", "=", "1.7.0")
            .executeTakeFirst()
        )?.commit_sha;
      await scene.cut("1.7.0-rc2", one);
      expect(await commitOf()).toBe(one);
      await scene.cut("1.7.0-rc10", two);
      expect(await commitOf()).toBe(two);
      await scene.cut("1.7.0-rc9", three);
      expect(await commitOf()).toBe(two);
      for (const version of ["1.7.0-rc2", "1.7.0-rc10", "1.7.0-rc9"])
        expect(await isStored(version)).toBe(true);
    });

    test("the same Idempotency-Key answers alike, and refuses another request", async () => {
      const send = (version: string) =>
        scene.server.send("POST", path(version), {
          body: { repo: "acme/web", commit: scene.commits[0] },
          headers: { "idempotency-key": "cut-1" },
        });
      const first = await send("1.8.0-rc1");
      const again = await send("1.8.0-rc1");
      expect([again.status, again.text, again.headers.get("content-length")]).toEqual([201, "", "0"]);
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      for (const name of ["location", "x-release-id"])
        expect(again.headers.get(name)).toBe(first.headers.get(name));
      expect((await send("1.8.0-rc2")).status).toBe(422);
    });

    test("answers 503 while the git host does not, and has stored nothing", async () => {
      const commit = await scene.repository.commit({ message: "unseen" });
      await scene.repository.branch("unseen", commit);
      for (const fault of [{ kind: "status", status: 503 }, { kind: "cut" }] as const) {
        scene.git.fault(fault);
        const answer = await scene.cut("1.9.0-rc1", commit, { trigger_build_workflow: true });
        expect(answer).toMatchObject({
          status: 503,
          json: { error: expect.any(String), message: expect.any(String) },
        });
        expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      }
      scene.git.fault(null);
      expect(await isStored("1.9.0-rc1")).toBe(false);
      expect(await builds("1.9.0-rc1")).toEqual([]);
      expect((await scene.cut("1.9.0-rc1", commit)).status).toBe(201);
    });
  });
});
