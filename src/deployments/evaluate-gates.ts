import type { Role } from "../access/role.ts";
import { includes } from "../access/role.ts";
import type { Concurrency } from "../environments/environment.ts";
import type { Freeze, FrozenPlace } from "../environments/freeze.ts";
import { type Closed, freezeStateAt, type MissingAllow, roleToBypass } from "../environments/freeze-state.ts";
import { nextOpen } from "../environments/next-open.ts";
import type { BadMark } from "../releases/bad-mark.ts";
import { type Deployable, unreadiness } from "./deployable.ts";
import { type Gate, openGate } from "./gate.ts";
import type { Hold } from "./hold.ts";

/** All that the gates look at, as it was in one transaction. */
export interface GateFacts {
  readonly target: Deployable;
  readonly mark: BadMark | null;
  readonly hold: Hold | null;
  /** A user asks; holds are for automation and for tokens without one. */
  readonly byPerson: boolean;
  /** The environment that comes first, and whether the version succeeded there; null: no rule, or one that does not count here. */
  readonly promotion: { readonly from: string; readonly isDone: boolean } | null;
  readonly freezes: readonly Freeze[];
  readonly place: FrozenPlace;
  readonly concurrency: {
    readonly policy: Concurrency;
    /** The number of the deployment that holds the environment; null: none does. */
    readonly busyWith: number | null;
    /** How many go before this one, that one among them. */
    readonly behind: number;
  };
  readonly role: Role | null;
}

/** Every gate as it stands at this moment, in their fixed order: the one place where it is decided what can go out. */
export const evaluateGates = (facts: GateFacts, at: Date): Gate[] => [
  readiness(facts),
  bad(facts),
  hold(facts),
  promotion(facts),
  ...freezes(facts, at),
  concurrency(facts),
  permission(facts),
];

function readiness({ target }: GateFacts): Gate {
  const why = unreadiness(target);
  if (!why) return openGate("readiness", `${target.version} is ready`);
  return {
    ...openGate("readiness", `${target.version} is not ready: ${why.text}`),
    state: "closed",
    condition: why.condition,
  };
}

function bad({ mark, target }: GateFacts): Gate {
  if (!mark) return openGate("bad", "not marked bad");
  return {
    ...openGate("bad", `${target.version} is marked bad: ${mark.reason}`),
    state: "closed",
    owner: mark.createdBy,
    bypass: "admin",
    condition: "the mark is lifted",
  };
}

function hold({ hold: held, byPerson, target }: GateFacts): Gate {
  if (!held) return openGate("hold", "not held");
  const text = `${target.version} is held after a rollback: ${held.reason}`;
  if (byPerson) return openGate("hold", `${text}; a person may deploy it`);
  return {
    ...openGate("hold", text),
    state: "closed",
    owner: held.createdBy,
    bypass: "releaser",
    condition: "the hold is lifted",
  };
}

function promotion({ promotion: rule, target }: GateFacts): Gate {
  if (!rule) return openGate("promotion", "no environment comes first");
  if (rule.isDone) return openGate("promotion", `${target.version} succeeded in ${rule.from}`);
  return {
    ...openGate("promotion", `${target.version} has not succeeded in ${rule.from}, or was rolled back there`),
    state: "closed",
    bypass: "admin",
    condition: `it succeeds in ${rule.from}`,
  };
}

function freezes({ freezes: rules, place }: GateFacts, at: Date): Gate[] {
  const state = freezeStateAt(rules, place, at);
  if (state.state === "open") return [openGate("freeze", "not frozen")];
  const opensAt = nextOpen(rules, place, at);
  return [
    ...state.by.map((freeze) => frozen(freeze, opensAt)),
    ...state.missing.map((missing) => outsideWindows(missing, opensAt)),
  ];
}

const condition = (opensAt: Date | null): string | null => (opensAt === null ? "the freeze is lifted" : null);

const frozen = (freeze: Freeze, opensAt: Date | null): Gate => ({
  ...openGate("freeze", `frozen by ${freeze.name}: ${freeze.reason}`),
  state: "closed",
  owner: freeze.ownerName,
  bypass: freeze.bypass,
  opensAt,
  condition: condition(opensAt),
  subject: freeze.id,
});

function outsideWindows(missing: MissingAllow, opensAt: Date | null): Gate {
  const only: Closed = { state: "closed", by: [], missing: [missing] };
  const names = missing.rules.map(({ name }) => name).join(", ");
  return {
    ...openGate("freeze", `outside the windows of ${names}`),
    state: "closed",
    owner: missing.rules[0]?.ownerName ?? null,
    bypass: roleToBypass(only),
    opensAt,
    condition: condition(opensAt),
    subject: `allow:${missing.level}`,
  };
}

function concurrency({ concurrency: { policy, busyWith, behind } }: GateFacts): Gate {
  if (policy === "reject" && behind > 0)
    return {
      ...openGate("concurrency", `deployment ${busyWith ?? "of another version"} is under way`),
      state: "closed",
      condition: "it ends",
    };
  if (behind === 0) return openGate("concurrency", "nothing is under way");
  return openGate("concurrency", `behind ${behind}`);
}

function permission({ role }: GateFacts): Gate {
  if (includes(role, "releaser")) return openGate("permission", `your role is ${role}`);
  return {
    ...openGate("permission", "your role does not allow to deploy"),
    state: "closed",
    condition: "somebody grants you the role releaser",
  };
}
