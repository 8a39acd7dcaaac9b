import { afterAll, beforeAll, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { describeWith } from "../support/real-parts.ts";
import { codeOf, deployPlace, type DeployPlace } from "./deploy-place.ts";

interface Cell {
  readonly name: string;
  readonly current: { readonly version: string; readonly number: number } | null;
  readonly active: { readonly version: string; readonly status: string } | null;
  readonly frozen: { readonly by: string[]; readonly until: string | null } | null;
}
interface Row {
  readonly key: string;
  readonly environments: readonly Cell[];
}
interface Page {
  readonly items: readonly Row[];
  readonly next: string | null;
}

describeWith(["git"], "the matrix at /v1", () => {
  eachEngine((engine) => {
    let place: DeployPlace;
    beforeAll(async () => {
      place = await deployPlace(engine);
      await place.must(201, "root", "POST", "/v1/projects/shop/workflows", {
        name: "roll-out",
        provider: "command",
        target: "deploy",
      });
      for (const number of [1, 2]) await place.cut(`1.0.0-rc${number}`);
    });
    afterAll(() => place.close());
    const read = (who: string, query = "") => place.must<Page>(200, who, "GET", `/v1/matrix${query}`);
    const shop = async (): Promise<readonly Cell[]> =>
      (await read("viewer", "?projects=shop")).items[0]?.environments ?? [];
    const cell = async (name: string): Promise<Cell | undefined> =>
      (await shop()).find((one) => one.name === name);
    const at = (name: string, rest: string): string => `/v1/projects/shop/environments/${name}/${rest}`;

    it("shows what runs where and what is under way, in the order of the environments", async () => {
      await place.environment("live", { position: 9, tier: "production", workflow: "roll-out" });
      await place.environment("test", { position: 1 });
      const report = { version: "1.0.0-rc1", status: "success" };
      const { number } = await place.must(200, "releaser", "POST", at("live", "report"), report);
      for (const version of ["1.0.0-rc1", "1.0.0-rc2"])
        await place.must(201, "releaser", "POST", at("live", "deployments"), { version });
      expect(await shop()).toMatchObject([
        { name: "test", tier: "development", current: null, active: null, frozen: null },
        {
          name: "live",
          tier: "production",
          current: { number, version: "1.0.0-rc1", releaseVersion: "1.0.0", since: expect.any(String) },
          active: { version: "1.0.0-rc2", status: "pending", started: false },
          frozen: null,
        },
      ]);
    });

    it("says by which freezes an environment is closed and until when, as the gates say", async () => {
      await place.environment("stage", { tier: "staging" });
      await place.environment("edge", { tier: "staging" });
      const endsAt = new Date(Date.now() + 3_600_000).toISOString();
      const schedule = { kind: "once", startsAt: "2020-01-01T00:00:00.000Z", endsAt };
      const draft = { reason: "x", schedule };
      const freeze = (terms: object) =>
        place.must(201, "root", "POST", "/v1/freezes", { ...draft, ...terms });
      await freeze({ name: "staging-rest", place: { tier: "staging" } });
      await freeze({
        name: "edge-rest",
        place: { project: "shop", environment: "edge" },
        schedule: undefined,
      });
      expect((await cell("test"))?.frozen).toBeNull();
      expect((await cell("stage"))?.frozen).toEqual({ by: ["staging-rest"], until: endsAt });
      expect((await cell("edge"))?.frozen).toEqual({ by: ["staging-rest", "edge-rest"], until: null });
      for (const name of ["test", "stage", "edge"]) {
        const why = await place.must(200, "admin", "GET", at(name, "why?version=1.0.0-rc1"));
        const frozen = (await cell(name))?.frozen ?? null;
        expect(why["state"]).toBe(frozen === null ? "open" : "closed");
        expect(why["opensAt"]).toBe(frozen?.until ?? null);
      }
      const window = { kind: "once", startsAt: "2099-01-01T00:00:00Z", endsAt: "2099-01-02T00:00:00Z" };
      await freeze({
        name: "windows",
        effect: "allow",
        place: { project: "shop", environment: "test" },
        schedule: window,
      });
      expect((await cell("test"))?.frozen).toEqual({ by: ["windows"], until: null });
      for (const name of ["staging-rest", "edge-rest", "windows"])
        await place.must(200, "root", "POST", `/v1/freezes/${name}/lift`);
      expect((await shop()).map(({ frozen }) => frozen)).toEqual([null, null, null, null]);
    });

    it("hands out projects by key, in pages, without gaps and without repeats", async () => {
      const keys = ["a.one", "a_two", "b-three", "zoo"];
      for (const key of keys) await place.must(201, "root", "POST", "/v1/projects", { key });
      const found: string[] = [];
      for (let after = ""; ;) {
        const { items, next } = await read("root", `?limit=2${after}`);
        expect(items.length).toBeLessThanOrEqual(2);
        found.push(...items.map(({ key }) => key));
        if (next === null) break;
        after = `&after=${next}`;
      }
      expect(found).toHaveLength(6);
      expect(new Set(found)).toEqual(new Set([...keys, "other", "shop"]));
      expect(found.indexOf("other")).toBeLessThan(found.indexOf("shop"));
      expect(found.at(-1)).toBe("zoo");
    });

    it("shows the projects that are asked for, of those that the caller may see", async () => {
      const asked = async (who: string, keys: string) =>
        (await read(who, `?projects=${keys}`)).items.map(({ key }) => key);
      expect(await asked("root", "shop,other,none")).toEqual(["other", "shop"]);
      expect(await asked("viewer", "shop,other")).toEqual(["shop"]);
      expect(await asked("stranger", "shop,other")).toEqual([]);
      expect((await read("viewer")).items.map(({ key }) => key)).toEqual(["shop"]);
      expect(await read("stranger")).toEqual({ items: [], next: null });
    });

    it("refuses what is no key and no page, and who shows no token", async () => {
      for (const query of [
        "projects=Shop",
        "projects=a,,b",
        "projects=",
        "limit=0",
        "limit=501",
        "after=A B",
        "x=1",
      ])
        expect(codeOf(await place.send("root", "GET", `/v1/matrix?${query}`))).toBe("INPUT_INVALID");
      expect((await place.send(null, "GET", "/v1/matrix")).status).toBe(401);
    });
  });
});
