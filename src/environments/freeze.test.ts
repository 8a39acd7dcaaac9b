import { describe, expect, it } from "vitest";
import {
  BANK,
  once,
  PRODUCTION,
  recurring,
  SHOP,
  shopProduction,
  someFreeze,
  STAGING,
} from "../../test/support/freezes.ts";
import {
  Freeze,
  FreezeName,
  FreezeSchedule,
  type FreezeScope,
  isAbout,
  isInForce,
  mayBypass,
} from "./freeze.ts";

const problems = (schedule: unknown): string[] =>
  FreezeSchedule.safeParse(schedule).error?.issues.map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  ) ?? [];

describe("a freeze's name", () => {
  it.each(["christmas-2026", "a", "No.deploys_on-Friday", "x".repeat(64)])("may be %s", (name) =>
    expect(FreezeName.safeParse(name).success).toBe(true),
  );

  it.each(["", "-a", "a.", "a b", "a/b", "ä", "a\n", "x".repeat(65), "65f000000000000000000000"])(
    "must not be %j",
    (name) => expect(FreezeName.safeParse(name).success).toBe(false),
  );
});

describe("a freeze's schedule", () => {
  const weekly = { kind: "recurring", cron: "0 18 * * FRI", durationMinutes: 60, zone: "Europe/Berlin" };

  it("is from a moment on, once, or again and again", () => {
    expect(problems({ kind: "now", startsAt: "2026-05-04T00:00:00Z" })).toEqual([]);
    expect(
      problems({ kind: "once", startsAt: "2026-05-04T00:00:00Z", endsAt: "2026-05-04T00:00:00.001Z" }),
    ).toEqual([]);
    expect(problems(weekly)).toEqual([]);
    expect(problems({ ...weekly, durationMinutes: 31 * 1440 })).toEqual([]);
  });

  it("must end after it starts", () => {
    const backwards = { kind: "once", startsAt: "2026-05-04T00:00:00Z", endsAt: "2026-05-04T00:00:00Z" };
    expect(problems(backwards)).toEqual(["endsAt: must be later than startsAt"]);
  });

  it.each([
    [{ durationMinutes: 0 }, "durationMinutes"],
    [{ durationMinutes: 31 * 1440 + 1 }, "durationMinutes"],
    [{ durationMinutes: 1.5 }, "durationMinutes"],
    [{ cron: "0 18 * *" }, "cron"],
    [{ cron: "0 0 30 2 *" }, "cron"],
    [{ zone: "Mars/Olympus" }, "zone"],
    [{ zone: "+01:00" }, "zone"],
    [{ kind: "sometimes" }, "kind"],
  ])("must not be %j", (facts, field) =>
    expect(problems({ ...weekly, ...facts }).join()).toContain(`${field}: `),
  );
});

describe("a freeze", () => {
  it("reads back as it was written", () => {
    for (const schedule of [
      recurring("0 18 * * FRI", 60),
      once("2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z"),
    ]) {
      const freeze = someFreeze({ schedule, expiresAt: new Date("2027-01-01T00:00:00Z"), bypass: "admin" });
      expect(Freeze.decode(JSON.parse(JSON.stringify(Freeze.encode(freeze))) as never)).toEqual(freeze);
    }
  });

  it("needs a reason of at most 1000 characters, and an owner", () => {
    const accepts = (facts: object) => Freeze.safeParse({ ...Freeze.encode(someFreeze()), ...facts }).success;
    expect(accepts({})).toBe(true);
    expect(accepts({ reason: "" })).toBe(false);
    expect(accepts({ reason: "x".repeat(1001) })).toBe(false);
    expect(accepts({ ownerName: "" })).toBe(false);
  });

  it("is in force until it is lifted or expires, also between its windows", () => {
    const at = new Date("2026-05-04T00:00:00Z");
    expect(
      isInForce(someFreeze({ schedule: once("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z") }), at),
    ).toBe(true);
    expect(isInForce(someFreeze({ expiresAt: new Date("2026-05-04T00:00:00.001Z") }), at)).toBe(true);
    expect(isInForce(someFreeze({ expiresAt: at }), at)).toBe(false);
    expect(isInForce(someFreeze({ liftedAt: new Date("2026-06-01T00:00:00Z") }), at)).toBe(false);
  });

  it.each([
    [{ level: "everything" }, true],
    [{ level: "project", projectId: SHOP }, true],
    [{ level: "project", projectId: BANK }, false],
    [{ level: "tier", tier: "production", projectId: null }, true],
    [{ level: "tier", tier: "production", projectId: SHOP }, true],
    [{ level: "tier", tier: "production", projectId: BANK }, false],
    [{ level: "tier", tier: "staging", projectId: null }, false],
    [{ level: "environment", projectId: SHOP, environmentId: PRODUCTION }, true],
    [{ level: "environment", projectId: SHOP, environmentId: STAGING }, false],
    [{ level: "environment", projectId: BANK, environmentId: PRODUCTION }, false],
  ] satisfies [FreezeScope, boolean][])("of %j is about the shop's production: %s", (scope, about) =>
    expect(isAbout(scope, shopProduction)).toBe(about),
  );

  it("may be bypassed by the role it names and greater ones, or by nobody", () => {
    const approvers = someFreeze({ bypass: "approver" });
    expect(mayBypass(approvers, "releaser")).toBe(false);
    expect(mayBypass(approvers, "approver")).toBe(true);
    expect(mayBypass(approvers, "admin")).toBe(true);
    expect(mayBypass(approvers, null)).toBe(false);
    expect(mayBypass(someFreeze({ bypass: null }), "admin")).toBe(false);
  });
});
