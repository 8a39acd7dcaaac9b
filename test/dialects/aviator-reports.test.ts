import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changeEnvironment } from "../../src/environments/change-environment.ts";
import { setAhead } from "../support/clock.ts";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene, type WireDeployment } from "../support/deploy-scene.ts";

const STATUSES = [
  "pending",
  "in_progress",
  "success",
  "failure",
  "canceling",
  "canceled",
  "error",
  "unknown",
];
const MINUTE = 60_000;

eachEngine((engine) => {
  describe("reports of what others deploy", () => {
    let scene: DeployScene;
    beforeAll(async () => {
      scene = await deployScene(engine, { programs: { deploy: "exit 0" } });
      await scene.addWorkflow("web", { name: "deploy", provider: "command", target: "deploy" });
      for (const [index, commit] of scene.commits.entries()) await scene.cut(`1.2.3-rc${index + 1}`, commit);
    });
    afterAll(() => scene.stop());

    const [RC1, RC2, RC3] = ["1.2.3-rc1", "1.2.3-rc2", "1.2.3-rc3"] as const;
    const listed = async (environment: string): Promise<readonly WireDeployment[]> =>
      (await scene.list(environment)).json as WireDeployment[];
    const history = async (number: number): Promise<string[]> => {
      const rows = await scene.server.ctx.db
        .selectFrom("deployment_statuses")
        .selectAll()
        .where("deployment_number", "=", number)
        .orderBy("position")
        .execute();
      return rows.map(({ status }) => status);
    };
    const runs = async (): Promise<number> =>
      (await scene.server.ctx.db.selectFrom("workflow_runs").selectAll().execute()).length;
    const report = (environment: string, body: object, headers: Record<string, string> = {}) =>
      scene.server.send("PATCH", `/api/releases/web/environments/${environment}/deployments`, {
        body,
        headers,
      });

    test("make a deployment where there is none, and start nothing", async () => {
      await scene.addEnvironment("web", { name: "first", workflow: "deploy" });
      const answer = await scene.report("first", RC1, "success");
      expect([answer.status, answer.text, answer.headers.get("content-length")]).toEqual([200, "", "0"]);
      const [only, ...others] = await listed("first");
      expect(others).toEqual([]);
      expect(answer.headers.get("x-deployment-id")).toBe(String(only?.id));
      expect(only).toMatchObject({ status: "success", from_release_candidate_version: null });
      expect(only?.deploy_end_at).not.toBeNull();
      await scene.report("first", RC2, "in_progress");
      expect((await listed("first"))[0]).toMatchObject({
        from_release_candidate_version: RC1,
        deploy_end_at: null,
      });
      expect(await runs()).toBe(0);
    });

    test.each(STATUSES)("%s is taken, whatever came before", async (status) => {
      const name = `to-${status}`;
      await scene.addEnvironment("web", { name });
      expect((await scene.report(name, RC1, status)).status).toBe(200);
      expect(await listed(name)).toMatchObject([{ status }]);
      for (const other of ["in_progress", "success"]) {
        await scene.addEnvironment("web", { name: `${name}-${other}` });
        expect((await scene.report(`${name}-${other}`, RC1, other)).status).toBe(200);
        expect((await scene.report(`${name}-${other}`, RC1, status)).status).toBe(200);
        expect(await listed(`${name}-${other}`)).toHaveLength(1);
      }
    });

    test("other words are refused, the version's first", async () => {
      await scene.addEnvironment("web", { name: "words" });
      for (const status of ["done", "", "SUCCESS", "cancelled", null, 7, ["success"], undefined])
        expect(await report("words", { release_candidate_version: RC1, status })).toMatchObject({
          status: 400,
          json: { error: "Invalid deployment status" },
        });
      for (const version of [null, 7, undefined, ["1.2.3-rc1"]])
        expect(await report("words", { release_candidate_version: version, status: "done" })).toMatchObject({
          status: 400,
          json: { error: "Invalid release candidate version" },
        });
      expect(await listed("words")).toEqual([]);
    });

    test("move one deployment from its beginning to its end, and the end is written once", async () => {
      await scene.addEnvironment("web", { name: "way" });
      await scene.report("way", RC1, "in_progress");
      await scene.report("way", RC1, "success");
      const [only] = await listed("way");
      await scene.report("way", RC1, "success");
      expect(await listed("way")).toEqual([only]);
      expect(await history(only?.id ?? 0)).toEqual(["pending", "in_progress", "success", "success"]);
    });

    test("correct an end by another, and what the environment runs with it", async () => {
      await scene.addEnvironment("web", { name: "corrected" });
      await scene.report("corrected", RC1, "success");
      await scene.report("corrected", RC2, "success");
      await report("corrected", {
        release_candidate_version: RC2,
        status: "failure",
        error_message: "no health",
      });
      expect((await listed("corrected"))[0]).toMatchObject({ status: "failure", error_message: "no health" });
      await scene.report("corrected", RC3, "in_progress");
      const [newest] = await listed("corrected");
      expect(newest).toMatchObject({ from_release_candidate_version: RC1 });
      await scene.report("corrected", RC2, "success");
      expect((await listed("corrected"))[1]).toMatchObject({ status: "success", error_message: null });
    });

    test("a late success of an older deployment does not win over a newer one", async () => {
      await scene.addEnvironment("web", { name: "late" });
      await scene.report("late", RC1, "in_progress");
      await scene.report("late", RC2, "success");
      await scene.report("late", RC1, "success");
      await scene.deploy("late", RC3);
      expect((await listed("late"))[0]).toMatchObject({ from_release_candidate_version: RC2 });
    });

    test("a beginning soon after the end is history, and long after it a new deployment", async () => {
      await scene.addEnvironment("web", { name: "again" });
      await scene.report("again", RC1, "success");
      const [first] = await listed("again");
      try {
        for (const [ahead, status] of [
          [0, "in_progress"],
          [9 * MINUTE, "pending"],
          [60 * MINUTE, "canceling"],
          [60 * MINUTE, "unknown"],
        ] as const) {
          setAhead(scene.server, ahead);
          expect((await scene.report("again", RC1, status)).headers.get("x-deployment-id")).toBe(
            String(first?.id),
          );
        }
        expect(await listed("again")).toEqual([first]);
        expect((await history(first?.id ?? 0)).slice(2)).toEqual([
          "in_progress",
          "pending",
          "canceling",
          "unknown",
        ]);
        setAhead(scene.server, 11 * MINUTE);
        await scene.report("again", RC1, "pending");
        setAhead(scene.server, 12 * MINUTE);
        await scene.report("again", RC1, "in_progress");
        await scene.report("again", RC1, "success");
        expect(await listed("again")).toMatchObject([
          { status: "success", from_release_candidate_version: RC1 },
          { id: first?.id },
        ]);
      } finally {
        setAhead(scene.server, 0);
      }
    });

    test("an ended deployment that our own workflow drove is never begun again by a report", async () => {
      await scene.addEnvironment("web", { name: "ours", workflow: "deploy" });
      await scene.deploy("ours", RC1);
      const ended = await scene.until("ours", "success");
      try {
        setAhead(scene.server, 60 * MINUTE);
        expect((await scene.report("ours", RC1, "in_progress")).status).toBe(200);
      } finally {
        setAhead(scene.server, 0);
      }
      expect(await listed("ours")).toEqual([ended]);
      // An end is a correction all the same.
      await scene.report("ours", RC1, "failure");
      expect((await listed("ours"))[0]).toMatchObject({ id: ended.id, status: "failure" });
    });

    test("one that is reported to wait is not started by the next that is", async () => {
      await scene.addEnvironment("web", { name: "theirs", workflow: "deploy" });
      await scene.report("theirs", RC1, "pending");
      const before = await runs();
      await scene.deploy("theirs", RC2);
      expect(await scene.until("theirs", "success")).toMatchObject({ release_candidate_version: RC2 });
      await scene.deploy("theirs", RC3);
      await scene.until("theirs", "success");
      expect(await runs()).toBe(before + 2);
      expect((await listed("theirs"))[2]).toMatchObject({
        status: "pending",
        release_candidate_version: RC1,
      });
      // What waits for somebody else does not keep its environment from a change of its rules either.
      const change = { concurrency: "supersede" } as const;
      await changeEnvironment(scene.server.ctx, { projectKey: "web", name: "theirs", change });
      await scene.deploy("theirs", RC2);
      await scene.until("theirs", "success");
      expect((await listed("theirs")).at(-1)).toMatchObject({ status: "pending" });
    });

    test("ten at once of one new version make one deployment", async () => {
      await scene.addEnvironment("web", { name: "crowd" });
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => scene.report("crowd", RC1, "in_progress")),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
      expect(await listed("crowd")).toHaveLength(1);
    });

    test("show the deployment to whoever prefers to see it", async () => {
      await scene.addEnvironment("web", { name: "seen" });
      const body = { release_candidate_version: RC1, status: "error", error_message: "no room" };
      const answer = await report("seen", body, { prefer: "return=representation" });
      expect([answer.status, answer.json]).toEqual([200, (await listed("seen"))[0]]);
      expect(answer.json).toMatchObject({ status: "error", error_message: "no room" });
    });
  });
});
