import { afterAll, beforeAll, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { describeWith } from "../support/real-parts.ts";
import { codeOf, deployPlace, type DeployPlace } from "./deploy-place.ts";

interface Shown {
  readonly id: string;
  readonly name: string;
}

describeWith(["git"], "freezes at /v1", () => {
  eachEngine((engine) => {
    let place: DeployPlace;
    beforeAll(async () => {
      place = await deployPlace(engine);
      await place.environment("production", { tier: "production" });
    });
    afterAll(() => place.close());
    const make = (who: string, draft: object) => place.send(who, "POST", "/v1/freezes", draft);

    it("makes a freeze with little said, shows where it holds by names, and that it is active", async () => {
      const made = await make("admin", {
        name: "inventory",
        place: { project: "shop", environment: "production" },
        reason: "we count",
      });
      expect(made).toMatchObject({
        status: 201,
        body: {
          level: "environment",
          place: { project: "shop", tier: null, environment: "production" },
          effect: "deny",
          schedule: { kind: "now", startsAt: expect.stringMatching(/Z$/) },
          ownerName: "admin",
          createdBy: "admin",
          bypass: "admin",
          expiresAt: null,
          liftedAt: null,
          isActive: true,
          windows: [{ endsAt: null }],
        },
      });
      expect(made.body).not.toHaveProperty("scope");
      const { id } = made.body as Shown;
      for (const one of ["inventory", id]) {
        const shown = await place.must<object>(200, "viewer", "GET", `/v1/freezes/${one}`);
        expect(shown).toMatchObject({ id, name: "inventory", isActive: true });
      }
    });

    it("shows the next five windows of a recurring freeze, and of a past one none", async () => {
      const weekend = {
        name: "weekend",
        place: { project: "shop", tier: "production" },
        schedule: { kind: "recurring", cron: "0 18 * * 5", durationMinutes: 3600, zone: "Europe/Berlin" },
        reason: "rest",
      };
      const { windows, ...shown } = await place.must<{ windows: { startsAt: string; endsAt: string }[] }>(
        201,
        "admin",
        "POST",
        "/v1/freezes",
        weekend,
      );
      expect(shown).toMatchObject({ level: "tier", place: { project: "shop", tier: "production" } });
      expect(windows).toHaveLength(5);
      const minutes = windows.map(({ startsAt, endsAt }) => Date.parse(endsAt) - Date.parse(startsAt));
      expect(new Set(minutes)).toEqual(new Set([3600 * 60_000]));
      expect(windows.map(({ startsAt }) => startsAt)).toEqual(
        windows.map(({ startsAt }) => startsAt).toSorted(),
      );
      const past = { kind: "once", startsAt: "2020-01-01T00:00:00Z", endsAt: "2020-01-02T00:00:00Z" };
      const once = { name: "past", place: { project: "shop" }, schedule: past, reason: "long ago" };
      expect(await make("admin", once)).toMatchObject({
        status: 201,
        body: { isActive: false, windows: [], schedule: { endsAt: "2020-01-02T00:00:00.000Z" } },
      });
    });

    it("lifts a freeze for good, twice as once, frees its name, and lists it no more", async () => {
      const draft = { name: "short", place: { project: "shop" }, reason: "a moment" };
      const { id } = (await make("admin", draft)).body as Shown;
      expect(codeOf(await make("admin", draft))).toBe("FREEZE_EXISTS");
      expect((await place.send("approver", "POST", "/v1/freezes/short/lift")).status).toBe(403);
      const lifted = await place.must(200, "admin", "POST", "/v1/freezes/short/lift");
      expect(lifted).toMatchObject({ id, liftedBy: "admin", isActive: false, windows: [] });
      expect(await place.must(200, "admin", "POST", `/v1/freezes/${id}/lift`)).toEqual(lifted);
      const { items } = await place.must<{ items: Shown[] }>(200, "viewer", "GET", "/v1/freezes");
      expect(items.map(({ name }) => name)).not.toContain("short");
      expect((await make("admin", draft)).status).toBe(201);
    });

    it("lets project admins freeze their project, and system admins alone what goes beyond it", async () => {
      const reason = "x";
      for (const who of ["viewer", "releaser", "approver"])
        expect((await make(who, { name: "no", place: { project: "shop" }, reason })).status).toBe(403);
      expect((await make("admin", { name: "no", reason })).status).toBe(403);
      expect((await make("admin", { name: "no", place: { tier: "production" }, reason })).status).toBe(403);
      expect(codeOf(await make("admin", { name: "no", place: { project: "other" }, reason }))).toBe(
        "PROJECT_NOT_FOUND",
      );
      const all = await make("root", { name: "everything", reason, bypass: null });
      expect(all).toMatchObject({ status: 201, body: { level: "everything", bypass: null } });
    });

    it("shows freezes of everything to everybody, and those of a project to those alone who may see it", async () => {
      await make("root", { name: "for-all", reason: "x" });
      await make("root", { name: "of-other", place: { project: "other" }, reason: "x" });
      const namesFor = async (who: string): Promise<string[]> =>
        (await place.must<{ items: Shown[] }>(200, who, "GET", "/v1/freezes")).items.map(({ name }) => name);
      expect(await namesFor("root")).toEqual(expect.arrayContaining(["for-all", "of-other", "inventory"]));
      expect(await namesFor("viewer")).toEqual(expect.arrayContaining(["for-all", "inventory"]));
      expect(await namesFor("viewer")).not.toContain("of-other");
      expect(await namesFor("stranger")).not.toContain("inventory");
      for (const path of ["/v1/freezes/of-other", "/v1/freezes/none"])
        expect(codeOf(await place.send("viewer", "GET", path))).toBe("FREEZE_NOT_FOUND");
      expect((await place.send("viewer", "POST", "/v1/freezes/of-other/lift")).status).toBe(404);
    });

    it("refuses what makes no freeze, and names the field", async () => {
      const good = { name: "good", place: { project: "shop" }, reason: "x" };
      const recurring = { kind: "recurring", cron: "0 18 * * 5", durationMinutes: 60, zone: "Europe/Berlin" };
      const wrong: readonly (readonly [string, object])[] = [
        ["reason", { reason: "" }],
        ["name", { name: "a b" }],
        ["name", { name: "0123456789abcdef01234567" }],
        ["place.environment", { place: { environment: "production" } }],
        ["place.tier", { place: { project: "shop", environment: "production", tier: "staging" } }],
        ["effect", { effect: "maybe" }],
        ["schedule.cron", { schedule: { ...recurring, cron: "every day" } }],
        ["schedule.zone", { schedule: { ...recurring, zone: "Mars/Base" } }],
        ["schedule.durationMinutes", { schedule: { ...recurring, durationMinutes: 0 } }],
        [
          "schedule.endsAt",
          { schedule: { kind: "once", startsAt: "2030-01-02T00:00:00Z", endsAt: "2030-01-01T00:00:00Z" } },
        ],
        ["expiresAt", { expiresAt: "tomorrow" }],
        ["bypass", { bypass: "everybody" }],
      ];
      for (const [path, change] of wrong) {
        const answer = await make("root", { ...good, ...change });
        expect(answer.status).toBe(400);
        expect((answer.body as { errors: { path: string }[] }).errors.map((error) => error.path)).toContain(
          path,
        );
      }
    });

    it("answers a repeated request with the same Idempotency-Key like the first one", async () => {
      const headers = { "idempotency-key": "a-freeze" };
      const draft = { name: "once-only", place: { project: "shop" }, reason: "x" };
      const first = await place.send("admin", "POST", "/v1/freezes", draft, headers);
      const again = await place.send("admin", "POST", "/v1/freezes", draft, headers);
      expect(again).toMatchObject({ status: 201, body: first.body });
    });
  });
});
