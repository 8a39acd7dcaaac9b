import { describe, expect, it } from "vitest";
import { once, PRODUCTION, recurring, SHOP, shopProduction, someFreeze } from "../../test/support/freezes.ts";
import type { Freeze } from "./freeze.ts";
import { freezeStateAt, roleToBypass } from "./freeze-state.ts";

const AT = new Date("2026-05-04T12:00:00Z");
const active = once("2026-05-04T00:00:00Z", "2026-05-05T00:00:00Z");
const inactive = once("2026-05-05T00:00:00Z", "2026-05-06T00:00:00Z");

const everything = { scope: { level: "everything" } } as const;
const project = { scope: { level: "project", projectId: SHOP } } as const;
const tier = { scope: { level: "tier", tier: "production", projectId: null } } as const;
const ownTier = { scope: { level: "tier", tier: "production", projectId: SHOP } } as const;
const environment = {
  scope: { level: "environment", projectId: SHOP, environmentId: PRODUCTION },
} as const;

const deny = (facts: Partial<Freeze>): Freeze => someFreeze({ effect: "deny", ...facts });
const allow = (facts: Partial<Freeze>): Freeze => someFreeze({ effect: "allow", ...facts });

/** The state in words: `open`, or names of denies and of each level that lacks an allow. */
function stateOf(...freezes: Freeze[]): string {
  const found = freezeStateAt(freezes, shopProduction, AT);
  if (found.state === "open") return "open";
  const missing = found.missing.map(
    ({ level, rules }) => `${level}(${rules.map(({ name }) => name).join()})`,
  );
  return [...found.by.map(({ name }) => name), ...missing].join(" ");
}

describe("an environment under freezes", () => {
  it("is open without any, and when none is about it or active", () => {
    expect(stateOf()).toBe("open");
    expect(stateOf(deny({ ...project, schedule: inactive }))).toBe("open");
    expect(stateOf(deny({ scope: { level: "tier", tier: "staging", projectId: null } }))).toBe("open");
  });

  it("is closed by an active deny, whatever is allowed", () => {
    expect(
      stateOf(
        deny({ ...everything, name: "stop", schedule: active }),
        allow({ ...everything, schedule: active }),
        allow({ ...environment, schedule: active }),
      ),
    ).toBe("stop");
  });

  it("is open at a level while one of its allows is active", () => {
    const later = allow({ ...project, name: "later", schedule: inactive });
    expect(stateOf(later)).toBe("project(later)");
    expect(stateOf(later, allow({ ...project, schedule: active }))).toBe("open");
  });

  it("needs an active allow at each level that has some", () => {
    const later = allow({ ...project, name: "later", schedule: inactive });
    expect(stateOf(later, allow({ ...environment, schedule: active }))).toBe("project(later)");
    expect(stateOf(later, allow({ ...environment, name: "too", schedule: inactive }))).toBe(
      "project(later) environment(too)",
    );
  });

  it("sees a project's own tier and that tier of all projects as one level", () => {
    const later = allow({ ...tier, name: "later", schedule: inactive });
    expect(stateOf(later, allow({ ...ownTier, schedule: active }))).toBe("open");
    expect(stateOf(later, allow({ ...ownTier, name: "own", schedule: inactive }))).toBe("tier(later,own)");
  });

  it("stays closed after the only window of an allow, until the allow expires or is lifted", () => {
    const past = once("2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z");
    expect(stateOf(allow({ ...project, name: "past", schedule: past }))).toBe("project(past)");
    expect(stateOf(allow({ ...project, schedule: past, expiresAt: AT }))).toBe("open");
    expect(stateOf(allow({ ...project, schedule: past, liftedAt: AT }))).toBe("open");
  });

  it("names what closes it by level, name and id, whatever order the rules come in", () => {
    const rules = [
      deny({ ...environment, name: "a" }),
      deny({ ...project, name: "c" }),
      deny({ ...project, name: "b" }),
      deny({ ...ownTier, name: "b" }),
      deny({ ...everything, name: "z" }),
      allow({ ...environment, name: "e", schedule: inactive }),
      allow({ ...everything, name: "g", schedule: inactive }),
      allow({ ...everything, name: "f", schedule: inactive }),
    ];
    for (const order of [
      rules,
      rules.toReversed(),
      rules.toSorted((one, other) => one.name.localeCompare(other.name)),
    ])
      expect(stateOf(...order)).toBe("z b c b a everything(f,g) environment(e)");
  });

  it("has the state of the moment, whichever way the clock is stepped across an edge", () => {
    const nights = deny({ schedule: recurring("0 22 * * *", 480) });
    const at = (time: string) =>
      freezeStateAt([nights], shopProduction, new Date(`2026-05-04T${time}Z`)).state;
    expect(["21:59:59.999", "22:00:00.000", "21:59:59.999", "05:59:59.999", "06:00:00.000"].map(at)).toEqual([
      "open",
      "closed",
      "open",
      "closed",
      "open",
    ]);
  });
});

describe("the role that may deploy against freezes", () => {
  const roleFor = (...freezes: Freeze[]) => {
    const found = freezeStateAt(freezes, shopProduction, AT);
    return found.state === "closed" ? roleToBypass(found) : "open";
  };

  it("is the greatest that any active deny asks for", () => {
    expect(
      roleFor(deny({ bypass: "releaser" }), deny({ bypass: "admin" }), deny({ bypass: "approver" })),
    ).toBe("admin");
  });

  it("is none where one of them lets nobody pass", () => {
    expect(roleFor(deny({ bypass: "releaser" }), deny({ bypass: null }))).toBe(null);
  });

  it("needs to pass only one allow of each level", () => {
    const later = { schedule: inactive };
    expect(
      roleFor(
        allow({ ...project, ...later, bypass: null }),
        allow({ ...project, ...later, bypass: "admin" }),
        allow({ ...project, ...later, bypass: "approver" }),
      ),
    ).toBe("approver");
    expect(
      roleFor(
        allow({ ...project, ...later, bypass: "approver" }),
        allow({ ...environment, ...later, bypass: null }),
      ),
    ).toBe(null);
  });
});
