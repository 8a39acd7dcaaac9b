import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createConnection } from "../../src/connections/create-connection.ts";
import { changeProject } from "../../src/projects/change-project.ts";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene } from "../support/deploy-scene.ts";
import { bareRefs } from "../support/github/bare-repository.ts";
import { type Github, startGithub } from "../support/github/github.ts";
import type { Run } from "../support/github/world.ts";
import { type Answer, valueAt } from "../support/server.ts";

const TOKEN = "github_pat_0123456789abcdefABCDEF";
const DEPLOY = [
  "aviator_deployment_id",
  "aviator_release_cut_commit_hash",
  "aviator_release_candidate_version",
];
const BUILD = [
  "aviator_release_cut_id",
  "aviator_release_cut_commit_hash",
  "aviator_release_candidate_version",
];
const declared = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));

eachEngine((engine) => {
  describe("workflows on GitHub that call back", () => {
    let scene: DeployScene;
    let github: Github;
    beforeAll(async () => {
      scene = await deployScene(engine);
      github = await startGithub();
      const repository = github.addRepository("acme/web", bareRefs(scene.repository.path, "main"));
      github.addWorkflow(repository, "deploy.yml", { inputs: declared(DEPLOY) });
      github.addWorkflow(repository, "build.yml", { inputs: declared(BUILD) });
      github.addToken(TOKEN, { "acme/web": "write" });
      await createConnection(scene.server.ctx, {
        name: "hub",
        kind: "github",
        host: github.host,
        plainHttp: true,
        allowPrivate: true,
        allProjects: true,
        password: TOKEN,
      });
      for (const name of ["deploy", "build"])
        await scene.addWorkflow("web", {
          name,
          provider: "github",
          connection: "hub",
          target: `${name}.yml`,
          ref: "main",
        });
      await changeProject(scene.server.ctx, { key: "web", buildWorkflow: "build" });
    });
    afterAll(async () => {
      await scene.stop();
      await github.stop();
    });

    const until = async <T>(look: () => Promise<T | null | undefined> | T | null | undefined): Promise<T> => {
      for (;;) {
        const found = await look();
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const runOf = (version: string, file: string): Promise<Run> =>
      until(() =>
        github.runs.find(
          (run) => run.workflow.file === file && run.inputs["aviator_release_candidate_version"] === version,
        ),
      );
    const dispatches = (): number => github.calls.filter(({ line }) => line.endsWith("/dispatches")).length;
    const callBack = (what: "build" | "deploy", body: object): Promise<Answer> =>
      scene.server.send("POST", `/api/v1/sync-${what}-github-action`, { body });

    test("a deployment's run is bound by its callback, and a repeat changes nothing", async () => {
      // The answer to the dispatch does not name the run.
      github.dispatchAnswer = "empty";
      await scene.addEnvironment("web", { name: "prod", workflow: "deploy" });
      await scene.cut("1.2.3-rc1");
      const before = dispatches();
      await scene.deploy("prod", "1.2.3-rc1");
      const run = await runOf("1.2.3-rc1", "deploy.yml");
      const id = run.inputs["aviator_deployment_id"] ?? "";
      expect(run.inputs).toMatchObject({
        aviator_deployment_id: expect.stringMatching(/^\d+$/),
        aviator_release_cut_commit_hash: scene.commits[0],
      });
      const body = { deployment_id: id, workflow_run_id: String(run.id) };
      expect(await callBack("deploy", body)).toMatchObject({ status: 200, json: {} });
      github.begin(run);
      await scene.until("prod", "in_progress");
      expect(await callBack("deploy", { deployment_id: Number(id), workflow_run_id: run.id })).toMatchObject({
        status: 200,
      });
      github.complete(run, "success");
      await callBack("deploy", body);
      const ended = await scene.until("prod", "success");
      expect(ended.id).toBe(Number(id));
      // A run that is started anew calls back once more.
      expect((await callBack("deploy", body)).status).toBe(200);
      expect((await scene.list("prod")).json).toEqual([ended]);
      expect(dispatches()).toBe(before + 1);
    });

    test("a callback that names somebody else's run is not believed", async () => {
      github.dispatchAnswer = "details";
      await scene.addEnvironment("web", { name: "stage", workflow: "deploy" });
      await scene.cut("1.2.4-rc1");
      await scene.deploy("stage", "1.2.4-rc1");
      const run = await runOf("1.2.4-rc1", "deploy.yml");
      const other = await runOf("1.2.3-rc1", "deploy.yml");
      const id = run.inputs["aviator_deployment_id"];
      for (const workflow_run_id of [String(other.id), "1"])
        expect((await callBack("deploy", { deployment_id: id, workflow_run_id })).status).toBe(200);
      github.complete(run, "failure");
      await callBack("deploy", { deployment_id: id, workflow_run_id: String(run.id) });
      expect(await scene.until("stage", "success", "failure", "error")).toMatchObject({ status: "failure" });
    });

    test("a build is dispatched once, with the candidate's number and full commit, and bound alike", async () => {
      github.dispatchAnswer = "empty";
      const [commit = ""] = scene.commits;
      const cut = (more: object): Promise<Answer> =>
        scene.server.send("POST", "/api/releases/web/releases/1.3.0-rc1", {
          body: { repo: "acme/web", commit: commit.slice(0, 12), ...more },
          headers: { prefer: "return=representation" },
        });
      const made = await cut({ trigger_build_workflow: true });
      const run = await runOf("1.3.0-rc1", "build.yml");
      expect(run.inputs).toEqual({
        aviator_release_cut_id: String(valueAt(made.json, "id")),
        aviator_release_cut_commit_hash: commit,
        aviator_release_candidate_version: "1.3.0-rc1",
      });
      const body = { release_cut_id: run.inputs["aviator_release_cut_id"], workflow_run_id: String(run.id) };
      expect(await callBack("build", body)).toMatchObject({ status: 200, json: {} });
      github.complete(run, "success");
      await until(async () => {
        await callBack("build", body);
        return valueAt((await cut({})).json, "build_status") === "ready";
      });
      await cut({ trigger_build_workflow: true });
      expect(github.runs.filter(({ workflow }) => workflow.file === "build.yml")).toHaveLength(1);
    });

    test("while GitHub is away a cut and a callback are answered, and the build is started once it is back", async () => {
      github.dispatchAnswer = "details";
      await github.down();
      expect((await scene.cut("1.4.0-rc1", undefined, { trigger_build_workflow: true })).status).toBe(201);
      const shown = await scene.server.send("POST", "/api/releases/web/releases/1.4.0-rc1", {
        body: { repo: "acme/web", commit: scene.commits[0] },
        headers: { prefer: "return=representation" },
      });
      expect(shown.json).toMatchObject({ build_status: "pending" });
      const body = { release_cut_id: valueAt(shown.json, "id"), workflow_run_id: "77" };
      expect((await callBack("build", body)).status).toBe(200);
      await github.up();
      await runOf("1.4.0-rc1", "build.yml");
    });
  });
});
