import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseRollbackTarget } from "./choose-rollback-target.ts";
import { type Deployment, DeploymentStatus } from "./deployment.ts";

type Fact = Pick<Deployment, "version" | "status" | "started">;

const moment = new Date("2026-03-02T10:00:00Z");

/** Deployments, oldest first, as an environment numbers them. */
const history = (facts: readonly Fact[]): Deployment[] =>
  facts.map((fact, index) => ({
    id: String(index).padStart(24, "0"),
    number: index + 1,
    projectId: "p",
    environmentId: "e",
    environmentNumber: index + 1,
    releaseId: "r",
    candidateId: "c",
    contentId: null,
    releaseVersion: "1.0",
    kind: "deploy",
    origin: "request",
    ours: true,
    waitsFor: "",
    error: null,
    fromReleaseVersion: null,
    fromVersion: null,
    leavesNumber: null,
    actorName: "ann",
    actorUserId: null,
    forced: [],
    forceReason: null,
    requestedAt: moment,
    startedAt: moment,
    endedAt: null,
    ...fact,
  }));

const KINDS: Readonly<Record<string, Omit<Fact, "version">>> = {
  S: { status: "success", started: true },
  F: { status: "failure", started: true },
  E: { status: "error", started: true },
  X: { status: "canceled", started: true },
  C: { status: "canceled", started: false },
  A: { status: "in_progress", started: true },
  Q: { status: "pending", started: false },
  U: { status: "unknown", started: true },
  // Told by a report alone: nobody ever said that it ran.
  s: { status: "success", started: false },
  f: { status: "failure", started: false },
  e: { status: "error", started: false },
};

const read = (text: string): Deployment[] =>
  history(
    text
      .split(" ")
      .filter((word) => word !== "")
      .map((word) => ({ ...(KINDS[word.slice(0, 1)] ?? raise(word)), version: `v${word.slice(1)}` })),
  );

const raise = (word: string): never => {
  throw new Error(`${word} is no step of a history`);
};

/** The target's version and the version that is left; null: there is no target. */
function choose(text: string, rules: { bad?: readonly string[]; version?: string } = {}): string | null {
  const choice = chooseRollbackTarget(read(text).toReversed(), {
    version: rules.version ?? null,
    isUsable: ({ version }) => !(rules.bad ?? []).includes(version),
  });
  return choice && `${choice.leaves.version} → ${choice.target.version}`;
}

describe("where a rollback goes", () => {
  it.each([
    ["S1 S2", "v2 → v1"],
    ["S1 S2 F3", "v3 → v2"],
    ["S1 S2 E3", "v3 → v2"],
    ["S1 F2 F3", "v3 → v1"],
    ["S1 F2 E3 X4", "v4 → v1"],
    ["S1 S2 A3", "v3 → v2"],
    ["S1 S2 U3", "v3 → v2"],
    ["S1 S2 X3", "v3 → v2"],
    ["S1 S2 C3", "v2 → v1"],
    ["S1 S2 Q3", "v2 → v1"],
    ["S1 S2 A3 Q4 C5", "v3 → v2"],
    ["S1 S2 S2", "v2 → v1"],
    ["S1 S2 F2", "v2 → v2"],
    ["S1 S2 S1", "v1 → v2"],
    ["S1 S2 S3 F3 F3", "v3 → v3"],
    ["s1 s2", "v2 → v1"],
    ["S1 S2 f3", "v3 → v2"],
    ["S1 S2 e3", "v3 → v2"],
    ["S1", null],
    ["S1 S1", null],
    ["S1 C2", null],
    ["", null],
    ["F1", null],
    ["A1", null],
    ["C1 Q2", null],
  ])("after %j is %j", (text, expected) => {
    expect(choose(text)).toBe(expected);
  });

  it("passes over what cannot be used, and stays at what it leaves", () => {
    expect(choose("S1 S2 S3", { bad: ["v2"] })).toBe("v3 → v1");
    expect(choose("S1 S2 F3", { bad: ["v2"] })).toBe("v3 → v1");
    expect(choose("S1 S2 S3", { bad: ["v3"] })).toBe("v3 → v2");
    expect(choose("S1 S2", { bad: ["v1"] })).toBeNull();
  });

  it("goes to the version that is asked for where that succeeded once and does not run", () => {
    expect(choose("S1 S2 S3", { version: "v1" })).toBe("v3 → v1");
    expect(choose("S1 F2 S3", { version: "v2" })).toBeNull();
    expect(choose("S1 S2", { version: "v2" })).toBeNull();
    expect(choose("S1 S2 F3", { version: "v2" })).toBe("v3 → v2");
    expect(choose("S1 S2", { version: "v9" })).toBeNull();
    expect(choose("S1 S2", { version: "v1", bad: ["v1"] })).toBeNull();
  });
});

/** The rule, said once more: for each deployment, whether it is the answer. */
function isTheAnswer(past: readonly Deployment[], index: number, rules: Rules): boolean {
  const changedSomething = (one: Deployment): boolean =>
    !(one.status === "canceled" || one.status === "pending" || one.status === "canceling") &&
    !(["in_progress", "unknown"].includes(one.status) && !one.started)
      ? true
      : one.started;
  const last = past.findLast(changedSomething);
  const fits = (one: Deployment): boolean => {
    if (one.status !== "success" || rules.bad.includes(one.version)) return false;
    if (rules.version !== null && one.version !== rules.version) return false;
    return last?.status !== "success" || one.version !== last.version;
  };
  const one = past[index];
  return one !== undefined && fits(one) && !past.slice(index + 1).some(fits);
}

interface Rules {
  readonly bad: readonly string[];
  readonly version: string | null;
}

const Version = fc.constantFrom<string[]>("v1", "v2", "v3", "v4");
const Facts = fc.array(
  fc.record({
    version: Version,
    status: fc.constantFrom(...DeploymentStatus.options),
    started: fc.boolean(),
  }),
  { maxLength: 12 },
);

it("chooses in every history what the rule says", () => {
  fc.assert(
    fc.property(
      Facts,
      fc.record({ bad: fc.uniqueArray(Version, { maxLength: 3 }), version: fc.option(Version) }),
      (facts, rules) => {
        const past = history(facts);
        const expected = past.find((_, index) => isTheAnswer(past, index, rules));
        const choice = chooseRollbackTarget(past.toReversed(), {
          version: rules.version,
          isUsable: ({ version }) => !rules.bad.includes(version),
        });
        expect(choice?.target.number).toBe(expected?.number);
      },
    ),
    { numRuns: 2_000 },
  );
});
