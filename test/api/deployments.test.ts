import { afterAll, beforeAll, expect, it } from "vitest";
import { applyRunToDeployment } from "../../src/deployments/apply-run.ts";
import { inTransaction } from "../../src/context.ts";
import { eachEngine } from "../support/databases.ts";
import { describeWith } from "../support/real-parts.ts";
import { codeOf, deployPlace, type DeployPlace } from "./deploy-place.ts";

const at = (environment: string, rest: string): string =>
  `/v1/projects/shop/environments/${environment}/${rest}`;

interface Line {
  readonly number: number;
  readonly version: string;
  readonly status: string;
}
interface Page {
  readonly items: readonly Line[];
  readonly next: string | null;
}

describeWith(["git"], "deployments at /v1", () => {
  eachEngine((engine) => {
    let place: DeployPlace;
    let made = 0;
    beforeAll(async () => {
      place = await deployPlace(engine);
      await place.must(201, "root", "POST", "/v1/projects/shop/workflows", {
        name: "roll-out",
        provider: "command",
        target: "deploy",
      });
      for (const number of [1, 2, 3]) await place.cut(`1.0.0-rc${number}`);
    });
    afterAll(() => place.close());

    /** A new environment that a workflow serves. */
    async function environment(terms: object = {}): Promise<string> {
      made += 1;
      const name = `place-${made}`;
      await place.environment(name, { workflow: "roll-out", ...terms });
      return name;
    }
    const deploy = (where: string, version: string, terms: object = {}, who = "releaser") =>
      place.must<Line>(201, who, "POST", at(where, "deployments"), { version, ...terms });
    const report = (where: string, version: string, status: string, message = "") =>
      place.must<Line>(200, "releaser", "POST", at(where, "report"), { version, status, message });
    const loseRun = (number: number) =>
      inTransaction(place.ctx, (tx) => applyRunToDeployment(tx, number, "lost", "not found"));

    it("deploys a version, shows it with history, runs and places by name, and lists it", async () => {
      const where = await environment();
      const line = await deploy(where, "1.0.0-rc1");
      expect(line).toMatchObject({
        project: "shop",
        environment: where,
        environmentNumber: 1,
        version: "1.0.0-rc1",
        releaseVersion: "1.0.0",
        kind: "deploy",
        origin: "request",
        status: "pending",
        started: true,
        waitsFor: "",
        actorName: "releaser",
        forced: [],
        forceReason: null,
      });
      for (const field of ["projectId", "environmentId", "candidateId", "actorUserId"])
        expect(line).not.toHaveProperty(field);
      const whole = await place.must(200, "viewer", "GET", `/v1/deployments/${line.number}`);
      expect(whole).toMatchObject({
        ...line,
        history: [{ status: "pending", source: "headgate", actorName: "releaser", message: "" }],
        runs: [{ purpose: "deploy", attempt: 1, state: "intended", provider: "command", target: "deploy" }],
      });
      expect(JSON.stringify(whole)).not.toContain("inputs");
      const { items, next } = await place.must<Page>(200, "viewer", "GET", at(where, "deployments"));
      expect({ items, next }).toEqual({ items: [line], next: null });
    });

    it("answers a repeated request with the same Idempotency-Key like the first one, and deploys once", async () => {
      const where = await environment();
      const headers = { "idempotency-key": `deploy-${where}` };
      const request = ["releaser", "POST", at(where, "deployments"), { version: "1.0.0-rc1" }] as const;
      const first = await place.send(...request, headers);
      const again = await place.send(...request, headers);
      expect(again).toMatchObject({ status: 201, body: first.body });
      const { items } = await place.must<Page>(200, "viewer", "GET", at(where, "deployments"));
      expect(items).toHaveLength(1);
      const other = { version: "1.0.0-rc2" };
      const mismatch = await place.send("releaser", "POST", at(where, "deployments"), other, headers);
      expect(codeOf(mismatch)).toBe("IDEMPOTENCY_MISMATCH");
    });

    it("hands out an environment's deployments in pages, newest first, and those of one status alone", async () => {
      const where = await environment({ workflow: null });
      const statuses = ["success", "failure", "success", "failure", "success"];
      const numbers: number[] = [];
      for (const status of statuses) {
        const { number } = await deploy(where, "1.0.0-rc1");
        await report(where, "1.0.0-rc1", status);
        numbers.unshift(number);
      }
      const read = async (query: string): Promise<number[]> => {
        const found: number[] = [];
        for (let after = ""; ;) {
          const path = at(where, `deployments?limit=2${query}${after}`);
          const { items, next } = await place.must<Page>(200, "viewer", "GET", path);
          expect(items.length).toBeLessThanOrEqual(2);
          found.push(...items.map(({ number }) => number));
          if (next === null) return found;
          after = `&after=${next}`;
        }
      };
      expect(await read("")).toEqual(numbers);
      expect(await read("&status=failure")).toEqual([numbers[1], numbers[3]]);
      expect(await read("&status=unknown")).toEqual([]);
      for (const query of ["after=nonsense", "limit=0", "limit=201", "status=fine", "colour=red"])
        expect(codeOf(await place.send("viewer", "GET", at(where, `deployments?${query}`)))).toBe(
          "INPUT_INVALID",
        );
    });

    it("refuses at a closed gate with its code, and lets who may pass it by force, with the reason kept", async () => {
      const where = await environment();
      const freeze = {
        name: `quiet-${where}`,
        place: { project: "shop", environment: where },
        reason: "inventory",
        bypass: "approver",
      };
      await place.must(201, "admin", "POST", "/v1/freezes", freeze);
      const path = at(where, "deployments");
      const refused = await place.send("releaser", "POST", path, { version: "1.0.0-rc1" });
      expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining("inventory") } });
      expect(codeOf(refused)).toBe("ENVIRONMENT_FROZEN");
      const force = { version: "1.0.0-rc1", force: { reason: "a leak" } };
      expect(codeOf(await place.send("releaser", "POST", path, force))).toBe("FORBIDDEN");
      const forced = await place.must(201, "approver", "POST", path, force);
      expect(forced).toMatchObject({ forced: [{ rule: "freeze" }], forceReason: "a leak" });
      for (const wrong of [{}, { reason: "" }, { reason: "  " }, { reason: "x".repeat(1001) }, "yes"])
        expect(
          codeOf(await place.send("approver", "POST", path, { version: "1.0.0-rc1", force: wrong })),
        ).toBe("INPUT_INVALID");
    });

    it("says why a version cannot go out, for the one who asks, as asking for it does", async () => {
      const where = await environment();
      const why = (who: string) => place.must(200, who, "GET", at(where, "why?version=1.0.0-rc1"));
      expect(await why("releaser")).toMatchObject({ state: "open", behind: 0, opensAt: null });
      const viewers = (await why("viewer")) as { gates: { rule: string; state: string }[] };
      expect(viewers).toMatchObject({ state: "closed" });
      expect(viewers.gates.filter(({ state }) => state === "closed")).toMatchObject([{ rule: "permission" }]);
      await deploy(where, "1.0.0-rc1");
      expect(await why("releaser")).toMatchObject({ state: "queued", behind: 1 });
      expect(codeOf(await place.send("viewer", "GET", at(where, "why")))).toBe("INPUT_INVALID");
      expect(codeOf(await place.send("viewer", "GET", at(where, "why?version=9.9.9-rc9")))).toBe(
        "RELEASE_NOT_FOUND",
      );
      expect((await place.send("stranger", "GET", at(where, "why?version=1.0.0-rc1"))).status).toBe(404);
    });

    it("takes reports as facts, keeps what they say, and takes them of a token that may only report", async () => {
      const where = await environment({ workflow: null });
      await report(where, "1.0.0-rc1", "in_progress", "half of it");
      const { number } = await report(where, "1.0.0-rc1", "failure", "no room");
      expect(await place.must(200, "viewer", "GET", `/v1/deployments/${number}`)).toMatchObject({
        status: "failure",
        origin: "report",
        error: "no room",
        history: [
          { status: "pending", source: "report" },
          { status: "in_progress", message: "half of it" },
          { status: "failure", message: "no room" },
        ],
        runs: [],
      });
      const wrong = { version: "1.0.0-rc1", status: "wonderful" };
      expect(codeOf(await place.send("releaser", "POST", at(where, "report"), wrong))).toBe("INPUT_INVALID");
      const word = { version: "1.0.0-rc1", status: "success" };
      expect((await place.send("viewer", "POST", at(where, "report"), word)).status).toBe(403);
    });

    it("goes back to the version before, holds what it left, and lifts the hold", async () => {
      const where = await environment({ workflow: null });
      for (const version of ["1.0.0-rc1", "1.0.0-rc2"]) {
        await deploy(where, version);
        await report(where, version, "success");
      }
      const rollback = await place.must(201, "releaser", "POST", at(where, "rollback"), {});
      expect(rollback).toMatchObject({ kind: "rollback", version: "1.0.0-rc1", fromVersion: "1.0.0-rc2" });
      const hold = { project: "shop", environment: where, version: "1.0.0-rc2" };
      expect(await place.must(200, "viewer", "GET", at(where, "holds"))).toMatchObject({ items: [hold] });
      const all = await place.must<{ items: object[] }>(200, "viewer", "GET", "/v1/projects/shop/holds");
      expect(all.items).toContainEqual(expect.objectContaining(hold));
      const byToken = await place.send("releaser-token", "POST", at(where, "deployments"), {
        version: "1.0.0-rc2",
      });
      expect(codeOf(byToken)).toBe("RELEASE_HELD");
      expect((await place.send("viewer", "DELETE", at(where, "holds/1.0.0-rc2"))).status).toBe(403);
      await place.must(204, "releaser", "DELETE", at(where, "holds/1.0.0-rc2"));
      expect(codeOf(await place.send("releaser", "DELETE", at(where, "holds/1.0.0-rc2")))).toBe(
        "HOLD_NOT_FOUND",
      );
      expect(await place.must(200, "viewer", "GET", at(where, "holds"))).toEqual({ items: [] });
    });

    it("lifts every hold of an environment at once, and those of no other one", async () => {
      const [here, there] = [await environment({ workflow: null }), await environment({ workflow: null })];
      for (const where of [here, there]) {
        for (const version of ["1.0.0-rc1", "1.0.0-rc2"]) await report(where, version, "success");
        await place.must(201, "releaser", "POST", at(where, "rollback"), {});
      }
      expect((await place.send("viewer", "DELETE", at(here, "holds"))).status).toBe(403);
      await place.must(204, "releaser", "DELETE", at(here, "holds"));
      expect(await place.must(200, "viewer", "GET", at(here, "holds"))).toEqual({ items: [] });
      expect(await place.must(200, "viewer", "GET", at(there, "holds"))).toMatchObject({
        items: [{ version: "1.0.0-rc2" }],
      });
    });

    it("answers a rollback without a past with a problem, and one to a version that never ran too", async () => {
      const where = await environment();
      expect(codeOf(await place.send("releaser", "POST", at(where, "rollback"), {}))).toBe(
        "ROLLBACK_TARGET_NOT_FOUND",
      );
      expect(
        codeOf(await place.send("releaser", "POST", at(where, "rollback"), { version: "1.0.0-rc3" })),
      ).toBe("ROLLBACK_TARGET_NOT_FOUND");
      expect((await place.send("viewer", "POST", at(where, "rollback"), {})).status).toBe(403);
    });

    it("calls a waiting deployment off at once, asks one at work to end, and refuses one that has ended", async () => {
      const where = await environment();
      const first = await deploy(where, "1.0.0-rc1");
      const second = await deploy(where, "1.0.0-rc2");
      expect(second).toMatchObject({ started: false });
      const cancel = (who: string, number: number) =>
        place.send(who, "POST", `/v1/deployments/${number}/cancel`);
      expect((await cancel("viewer", second.number)).status).toBe(403);
      expect((await cancel("stranger", second.number)).status).toBe(404);
      expect(await cancel("releaser", second.number)).toMatchObject({
        status: 200,
        body: { status: "canceled", error: "called off by releaser", environment: where },
      });
      expect(codeOf(await cancel("releaser", second.number))).toBe("DEPLOYMENT_OVER");
      expect(await cancel("releaser", first.number)).toMatchObject({ body: { status: "canceling" } });
    });

    it("starts again what failed, in the same kind, for a person alone", async () => {
      const where = await environment();
      const { number } = await deploy(where, "1.0.0-rc1");
      const path = `/v1/deployments/${number}/start-again`;
      expect(codeOf(await place.send("releaser", "POST", path, {}))).toBe("DEPLOYMENT_UNDER_WAY");
      await report(where, "1.0.0-rc1", "failure");
      expect((await place.send("viewer", "POST", path, {})).status).toBe(403);
      expect((await place.send("stranger", "POST", path, {})).status).toBe(404);
      const byToken = await place.send("releaser-token", "POST", path, {});
      expect(byToken).toMatchObject({ status: 403, body: { detail: expect.stringContaining("person") } });
      const again = await place.must<Line>(201, "releaser", "POST", path, {});
      expect(again).toMatchObject({ version: "1.0.0-rc1", kind: "deploy", origin: "request", started: true });
      expect(again.number).toBeGreaterThan(number);
      await report(where, "1.0.0-rc1", "success");
      const done = await place.send("releaser", "POST", `/v1/deployments/${again.number}/start-again`, {});
      expect(codeOf(done)).toBe("DEPLOYMENT_OVER");
    });

    it("gives a deployment up whose run cannot be found, says who did, and asks the run to end", async () => {
      const where = await environment();
      const { number } = await deploy(where, "1.0.0-rc1");
      await loseRun(number);
      const again = await place.must<Line>(
        201,
        "releaser",
        "POST",
        `/v1/deployments/${number}/start-again`,
        {},
      );
      expect(again).toMatchObject({ version: "1.0.0-rc1", started: true, status: "pending" });
      const given = await place.must(200, "viewer", "GET", `/v1/deployments/${number}`);
      expect(given).toMatchObject({
        status: "error",
        error: expect.stringContaining("given up by releaser"),
        runs: [{ cancelAskedAt: expect.any(String) }],
      });
    });

    it("leaves a lost deployment as it is when the gates refuse the new one, unless they are passed by force", async () => {
      const where = await environment();
      const { number } = await deploy(where, "1.0.0-rc3");
      await loseRun(number);
      const mark = "/v1/projects/shop/versions/1.0.0-rc3/bad-mark";
      await place.must(200, "approver", "PUT", mark, { reason: "eats data" });
      const path = `/v1/deployments/${number}/start-again`;
      expect(codeOf(await place.send("admin", "POST", path, {}))).toBe("RELEASE_BAD");
      expect(await place.must(200, "viewer", "GET", `/v1/deployments/${number}`)).toMatchObject({
        status: "unknown",
        runs: [{ cancelAskedAt: null }],
      });
      const force = { force: { reason: "the data is gone anyway" } };
      expect(await place.must(201, "admin", "POST", path, force)).toMatchObject({
        forced: [{ rule: "bad" }],
        forceReason: "the data is gone anyway",
      });
      await place.must(204, "approver", "DELETE", mark);
    });

    it("starts a rollback again as a rollback", async () => {
      const where = await environment();
      for (const version of ["1.0.0-rc1", "1.0.0-rc2"]) {
        await deploy(where, version);
        await report(where, version, "success");
      }
      const { number } = await place.must<Line>(201, "releaser", "POST", at(where, "rollback"), {});
      await report(where, "1.0.0-rc1", "failure");
      const again = await place.must(201, "releaser", "POST", `/v1/deployments/${number}/start-again`, {});
      expect(again).toMatchObject({ kind: "rollback", version: "1.0.0-rc1", leavesNumber: number });
    });

    it("knows no deployment by a number that is none, and keeps those of other projects unknown", async () => {
      const where = await environment();
      const { number } = await deploy(where, "1.0.0-rc1");
      for (const rest of ["", "/cancel", "/start-again"]) {
        const method = rest === "" ? "GET" : "POST";
        const body = rest === "/start-again" ? {} : undefined;
        const unseen = await place.send("stranger", method, `/v1/deployments/${number}${rest}`, body);
        const unknown = await place.send("stranger", method, `/v1/deployments/999999${rest}`, body);
        expect([unseen.status, unknown.status]).toEqual([404, 404]);
        expect(codeOf(unseen)).toBe(codeOf(unknown));
      }
      for (const wrong of ["0", "-1", "1.5", "abc", "99999999999999999999"])
        expect(codeOf(await place.send("root", "GET", `/v1/deployments/${wrong}`))).toBe("INPUT_INVALID");
      expect(
        codeOf(await place.send("releaser", "POST", at("nowhere", "deployments"), { version: "1" })),
      ).toBe("ENVIRONMENT_NOT_FOUND");
      expect(codeOf(await place.send("releaser", "POST", at(where, "deployments"), { version: "1" }))).toBe(
        "RELEASE_NOT_FOUND",
      );
      expect(codeOf(await place.send("releaser", "POST", at(where, "deployments"), {}))).toBe(
        "INPUT_INVALID",
      );
      const ofOther = await place.send("root", "GET", `/v1/projects/other/environments/${where}/deployments`);
      expect(ofOther.status).toBe(404);
      expect(
        (await place.send("viewer", "POST", at(where, "deployments"), { version: "1.0.0-rc1" })).status,
      ).toBe(403);
      expect((await place.send(null, "GET", `/v1/deployments/${number}`)).status).toBe(401);
    });
  });
});
