import { describe, expect, it } from "vitest";
import { once, recurring, shopProduction, someFreeze } from "../../test/support/freezes.ts";
import { Role } from "../access/role.ts";
import { isDomainError } from "../kernel/errors.ts";
import type { ReleaseCandidate } from "../releases/release-candidate.ts";
import { evaluateGates, type GateFacts } from "./evaluate-gates.ts";
import { type Force, passGates } from "./force-gates.ts";
import { closedGates, reportOn } from "./gate.ts";

const at = new Date("2026-03-02T10:00:00Z");

const candidate: ReleaseCandidate = {
  id: "c",
  cutId: 1,
  releaseId: "r",
  projectId: shopProduction.projectId,
  releaseVersion: "1.0",
  version: "1.0-rc1",
  number: 1,
  commit: "0".repeat(40),
  buildStatus: "ready",
  buildError: "",
  createdBy: "ann",
  createdByUserId: null,
  createdAt: at,
};

/** Everything open, but for what is said. */
const facts = (changes: Partial<GateFacts> = {}): GateFacts => ({
  target: {
    projectId: candidate.projectId,
    releaseId: "r",
    releaseVersion: "1.0",
    version: "1.0-rc1",
    candidate,
    content: null,
  },
  mark: null,
  hold: null,
  byPerson: false,
  promotion: null,
  freezes: [],
  place: shopProduction,
  concurrency: { policy: "queue", busyWith: null, behind: 0 },
  role: "releaser",
  ...changes,
});

const about = { id: "m", projectId: "p", version: "1.0-rc1", createdBy: "bob", createdAt: at };
const CLOSED = {
  readiness: { target: { ...facts().target, candidate: { ...candidate, buildStatus: "failed" } } },
  bad: { mark: { ...about, reason: "it leaks" } },
  hold: { hold: { ...about, environmentId: "e", reason: "rolled back" } },
  promotion: { promotion: { from: "staging", isDone: false } },
  freeze: { freezes: [someFreeze({ bypass: "admin", reason: "Christmas" })] },
  concurrency: { concurrency: { policy: "reject", busyWith: 7, behind: 1 } },
  permission: { role: "viewer" },
} as const satisfies Record<string, Partial<GateFacts>>;

const CODES = {
  readiness: "RELEASE_NOT_READY",
  bad: "RELEASE_BAD",
  hold: "RELEASE_HELD",
  promotion: "PROMOTION_MISSING",
  freeze: "ENVIRONMENT_FROZEN",
  concurrency: "ENVIRONMENT_BUSY",
  permission: "FORBIDDEN",
} as const;

const rules = Object.keys(CLOSED) as (keyof typeof CLOSED)[];

/** What `passGates` answers: what was forced, or the code of the refusal. */
function pass(changes: Partial<GateFacts>, force: Force | null, role: Role | null): unknown {
  try {
    return passGates(evaluateGates(facts(changes), at), force, role);
  } catch (error) {
    if (isDomainError(error)) return error.code;
    throw error;
  }
}

const must: Force = { reason: "it must" };

describe("the gates", () => {
  it("come in their fixed order, and all are open where nothing closes them", () => {
    const gates = evaluateGates(facts(), at);
    expect(gates.map(({ rule }) => rule)).toEqual(rules);
    expect(closedGates(gates)).toEqual([]);
  });

  it.each(rules)("close one by one: %s", (rule) => {
    const gates = evaluateGates(facts(CLOSED[rule]), at);
    expect(closedGates(gates).map((gate) => gate.rule)).toEqual([rule]);
    expect(pass(CLOSED[rule], null, "admin")).toBe(CODES[rule]);
  });

  it("are all shown, and the first that is closed is the refusal", () => {
    const changes = Object.assign({}, ...rules.map((rule) => CLOSED[rule])) as Partial<GateFacts>;
    expect(closedGates(evaluateGates(facts(changes), at)).map(({ rule }) => rule)).toEqual(rules);
    expect(pass(changes, null, "admin")).toBe("RELEASE_NOT_READY");
  });

  it("say what is not ready, and what would change that", () => {
    const [gate] = evaluateGates(
      facts({
        target: { ...facts().target, candidate: null, content: { id: "x", isCopied: false } },
      }),
      at,
    );
    expect(gate).toMatchObject({ state: "closed", bypass: null, condition: "the copy succeeds" });
    const [gone] = evaluateGates(facts({ target: { ...facts().target, candidate: null } }), at);
    expect(gone).toMatchObject({ state: "closed", text: expect.stringContaining("contains nothing") });
  });

  it("hold automation, and let a person pass without lifting the hold", () => {
    const held = evaluateGates(facts(CLOSED.hold), at)[2];
    expect(held).toMatchObject({ state: "closed", owner: "bob", condition: "the hold is lifted" });
    const person = evaluateGates(facts({ ...CLOSED.hold, byPerson: true }), at)[2];
    expect(person).toMatchObject({ state: "open", text: expect.stringContaining("a person may deploy it") });
  });

  it("name each freeze that closes, with its owner and who may pass", () => {
    const freezes = [
      someFreeze({ name: "b", ownerName: "eve", bypass: "approver" }),
      someFreeze({ name: "a", bypass: null, schedule: once("2026-03-02T09:00:00Z", "2026-03-02T11:00:00Z") }),
      someFreeze({
        name: "nightly",
        effect: "allow",
        bypass: "admin",
        schedule: recurring("0 20 * * *", 60),
      }),
    ];
    const closed = closedGates(evaluateGates(facts({ freezes }), at));
    expect(closed.map(({ owner, bypass }) => [owner, bypass])).toEqual([
      ["ann", null],
      ["eve", "approver"],
      ["ann", "admin"],
    ]);
    expect(closed.map(({ subject }) => subject)).toEqual([
      freezes[1]?.id,
      freezes[0]?.id,
      "allow:everything",
    ]);
  });
});

describe("when it opens", () => {
  const ending = {
    freezes: [someFreeze({ schedule: once("2026-03-02T09:00:00Z", "2026-03-02T11:00:00Z") })],
  };

  it("is the end of the freeze", () => {
    const report = reportOn(evaluateGates(facts(ending), at), 0);
    expect(report).toMatchObject({ state: "closed", opensAt: new Date("2026-03-02T11:00:00Z") });
    const after = evaluateGates(facts(ending), new Date("2026-03-02T11:00:00Z"));
    expect(reportOn(after, 0)).toMatchObject({ state: "open", opensAt: null });
  });

  it("is unknown where one gate waits for a condition", () => {
    const report = reportOn(evaluateGates(facts({ ...ending, ...CLOSED.bad }), at), 0);
    expect(report.opensAt).toBeNull();
    const forever = closedGates(evaluateGates(facts(CLOSED.freeze), at));
    expect(forever).toMatchObject([{ opensAt: null, condition: "the freeze is lifted" }]);
  });

  it("is a queue where all are open and others go first", () => {
    const queued = facts({ concurrency: { policy: "queue", busyWith: 7, behind: 2 } });
    expect(reportOn(evaluateGates(queued, at), 2)).toMatchObject({ state: "queued", behind: 2 });
  });

  it("is said in the refusal", () => {
    expect(() => passGates(evaluateGates(facts(ending), at), null, "admin")).toThrow(
      /^Frozen by .*; it opens at 2026-03-02T11:00:00.000Z$/,
    );
  });
});

describe("passing by force", () => {
  const LEAST = { bad: "admin", hold: "releaser", promotion: "admin", freeze: "admin" } as const;

  it.each(rules)("needs the right for the gate: %s", (rule) => {
    const least = rule in LEAST ? LEAST[rule as keyof typeof LEAST] : null;
    for (const role of Role.options) {
      const may = least !== null && Role.options.indexOf(role) >= Role.options.indexOf(least);
      const subject = rule === "freeze" ? CLOSED.freeze.freezes[0].id : null;
      const expected = may ? [{ rule, subject }] : least === null ? CODES[rule] : "FORBIDDEN";
      expect(pass(CLOSED[rule], must, role)).toEqual(expected);
    }
  });

  it("needs the right for each of them", () => {
    const both = { ...CLOSED.hold, ...CLOSED.promotion };
    expect(pass(both, must, "releaser")).toBe("FORBIDDEN");
    expect(pass(both, must, "admin")).toEqual([
      { rule: "hold", subject: null },
      { rule: "promotion", subject: null },
    ]);
  });

  it("is refused by the code of a gate that nobody may pass, wherever it stands", () => {
    expect(pass({ ...CLOSED.hold, freezes: [someFreeze({ bypass: null })] }, must, "admin")).toBe(
      "ENVIRONMENT_FROZEN",
    );
  });

  it("forces nothing where all are open", () => {
    expect(pass({}, must, "releaser")).toEqual([]);
  });

  it("covers the gates that it named: neither a freeze that begins later, nor another rule", () => {
    const [named, later] = [someFreeze({ bypass: "admin" }), someFreeze({ bypass: "admin" })];
    const forced = passGates(evaluateGates(facts({ freezes: [named] }), at), must, "admin");
    const closed = (changes: Partial<GateFacts>) =>
      closedGates(evaluateGates(facts(changes), at), forced).map(({ rule, subject }) => subject ?? rule);
    expect(closed({ freezes: [named] })).toEqual([]);
    expect(closed({ freezes: [] })).toEqual([]);
    expect(closed({ freezes: [named, later] })).toEqual([later.id]);
    expect(closed({ freezes: [named], ...CLOSED.bad })).toEqual(["bad"]);
  });

  it("covers a level without an active window, whichever rules are there later", () => {
    const night = () =>
      someFreeze({ effect: "allow", bypass: "admin", schedule: recurring("0 20 * * *", 60) });
    const forced = passGates(evaluateGates(facts({ freezes: [night()] }), at), must, "admin");
    expect(forced).toEqual([{ rule: "freeze", subject: "allow:everything" }]);
    expect(closedGates(evaluateGates(facts({ freezes: [night(), night()] }), at), forced)).toEqual([]);
  });
});
