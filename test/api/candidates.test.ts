import { afterAll, beforeAll, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { describeWith } from "../support/real-parts.ts";
import { codeOf, deployPlace, type DeployPlace } from "./deploy-place.ts";

const CANDIDATES = "/v1/projects/shop/candidates";
const markOf = (version: string): string => `/v1/projects/shop/versions/${version}/bad-mark`;

describeWith(["git"], "candidates and bad marks at /v1", () => {
  eachEngine((engine) => {
    let place: DeployPlace;
    beforeAll(async () => {
      place = await deployPlace(engine);
    });
    afterAll(() => place.close());
    const cut = (body: object, who = "releaser") => place.send(who, "POST", CANDIDATES, body);

    it("cuts a candidate from the beginning of a hash, shows it, and says the second time that it is not new", async () => {
      const [commit = ""] = place.commits;
      const made = await cut({ version: "1.0.0-rc1", commit: commit.slice(0, 10) });
      expect(made).toMatchObject({
        status: 201,
        body: {
          project: "shop",
          version: "1.0.0-rc1",
          releaseVersion: "1.0.0",
          number: 1,
          commit,
          buildStatus: "ready",
          createdBy: "releaser",
          isBad: false,
          isNew: true,
        },
      });
      expect(await cut({ version: "1.0.0-rc1", commit })).toMatchObject({
        status: 201,
        body: { ...(made.body as object), isNew: false },
      });
      const shown = await place.must(200, "viewer", "GET", `${CANDIDATES}/1.0.0-rc1`);
      expect(shown).toMatchObject({ version: "1.0.0-rc1", commit, badMark: null, runs: [] });
      expect(shown).not.toHaveProperty("releaseId");
    });

    it("builds it by the project's workflow, whose attempts it shows", async () => {
      const draft = { name: "build", provider: "command", target: "build" };
      await place.must(201, "root", "POST", "/v1/projects/shop/workflows", draft);
      await place.must(200, "admin", "PATCH", "/v1/projects/shop", { buildWorkflow: "build" });
      await place.cut("1.1.0-rc1", { build: true });
      expect(await place.must(200, "viewer", "GET", `${CANDIDATES}/1.1.0-rc1`)).toMatchObject({
        buildStatus: "pending",
        runs: [{ purpose: "build", attempt: 1, state: "intended", target: "build" }],
      });
    });

    it("refuses what is no candidate's version, no commit, another repository, and another commit", async () => {
      const [commit, other] = place.commits;
      await place.cut("2.0.0-rc1");
      expect(codeOf(await cut({ version: "2.0.0", commit }))).toBe("CANDIDATE_INVALID");
      expect(codeOf(await cut({ version: "2.0.0-rc0", commit }))).toBe("CANDIDATE_INVALID");
      expect(codeOf(await cut({ version: "2.0.0-rc2", commit: "main" }))).toBe("COMMIT_INVALID");
      expect(codeOf(await cut({ version: "2.0.0-rc2", commit: "0".repeat(40) }))).toBe("COMMIT_INVALID");
      expect(codeOf(await cut({ version: "2.0.0-rc1", commit: other }))).toBe("CANDIDATE_EXISTS");
      expect(codeOf(await cut({ version: "2.0.0-rc2", commit, repository: "acme/other" }))).toBe(
        "SOURCE_NOT_FOUND",
      );
      for (const wrong of [
        { commit },
        { version: "2.0.0-rc2" },
        { version: "2.0.0-rc2", commit, build: "yes" },
        { version: "x".repeat(201), commit },
      ])
        expect(codeOf(await cut(wrong))).toBe("INPUT_INVALID");
      expect((await place.send("viewer", "GET", `${CANDIDATES}/2.0.0-rc2`)).status).toBe(404);
    });

    it("lets releasers cut and viewers see, and keeps all of it unknown to others", async () => {
      const [commit] = place.commits;
      await place.cut("3.0.0-rc1");
      expect((await cut({ version: "3.0.0-rc2", commit }, "viewer")).status).toBe(403);
      expect((await cut({ version: "3.0.0-rc2", commit }, "stranger")).status).toBe(404);
      for (const path of [CANDIDATES, `${CANDIDATES}/3.0.0-rc1`])
        expect((await place.send("stranger", "GET", path)).status).toBe(404);
      const ofOther = await place.send("root", "GET", "/v1/projects/other/candidates/3.0.0-rc1");
      expect(codeOf(ofOther)).toBe("RELEASE_NOT_FOUND");
    });

    it("answers a repeated cut with the same Idempotency-Key like the first one", async () => {
      const headers = { "idempotency-key": "a-cut" };
      const body = { version: "4.0.0-rc1", commit: place.commits[0] };
      const first = await place.send("releaser", "POST", CANDIDATES, body, headers);
      const again = await place.send("releaser", "POST", CANDIDATES, body, headers);
      expect(again).toMatchObject({ status: 201, body: first.body });
      expect(again.body).toMatchObject({ isNew: true });
    });

    it("lists them in pages, newest first", async () => {
      for (const number of [1, 2, 3]) await place.cut(`5.0.0-rc${number}`);
      const versions: string[] = [];
      for (let after = ""; ;) {
        const { items, next } = await place.must<{ items: { version: string }[]; next: string | null }>(
          200,
          "viewer",
          "GET",
          `${CANDIDATES}?limit=2${after}`,
        );
        versions.push(...items.map(({ version }) => version));
        if (next === null) break;
        after = `&after=${next}`;
      }
      expect(versions.slice(0, 3)).toEqual(["5.0.0-rc3", "5.0.0-rc2", "5.0.0-rc1"]);
      expect(new Set(versions).size).toBe(versions.length);
      expect(versions.at(-1)).toBe("1.0.0-rc1");
    });

    it("marks a version bad, twice as once, shows that, and takes the mark off again", async () => {
      await place.cut("6.0.0-rc1");
      const path = markOf("6.0.0-rc1");
      const mark = await place.must(200, "approver", "PUT", path, { reason: "eats data" });
      expect(mark).toMatchObject({
        project: "shop",
        version: "6.0.0-rc1",
        reason: "eats data",
        createdBy: "approver",
      });
      expect(await place.must(200, "admin", "PUT", path, { reason: "again" })).toEqual(mark);
      expect(await place.must(200, "viewer", "GET", `${CANDIDATES}/6.0.0-rc1`)).toMatchObject({
        isBad: true,
        badMark: mark,
      });
      const { items } = await place.must<{ items: object[] }>(200, "viewer", "GET", `${CANDIDATES}?limit=1`);
      expect(items).toMatchObject([{ version: "6.0.0-rc1", isBad: true }]);
      await place.must(204, "approver", "DELETE", path);
      expect(codeOf(await place.send("approver", "DELETE", path))).toBe("MARK_NOT_FOUND");
    });

    it("lets approvers alone mark, wants a reason, and marks no version that is not there", async () => {
      await place.cut("7.0.0-rc1");
      const path = markOf("7.0.0-rc1");
      for (const who of ["viewer", "releaser"]) {
        expect((await place.send(who, "PUT", path, { reason: "x" })).status).toBe(403);
        expect((await place.send(who, "DELETE", path)).status).toBe(403);
      }
      expect((await place.send("stranger", "PUT", path, { reason: "x" })).status).toBe(404);
      for (const body of [{}, { reason: "" }, { reason: "x".repeat(1001) }])
        expect(codeOf(await place.send("approver", "PUT", path, body))).toBe("INPUT_INVALID");
      expect(codeOf(await place.send("approver", "PUT", markOf("9.9.9"), { reason: "x" }))).toBe(
        "RELEASE_NOT_FOUND",
      );
    });
  });
});
