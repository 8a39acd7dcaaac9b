import { greatestRole, lesserRole, type Role } from "../access/role.ts";
import { type Freeze, type FrozenPlace, isAbout, isInForce, ScopeLevel } from "./freeze.ts";
import { isActive } from "./freeze-windows.ts";

/** A level at which deployments need an active allow, and have none. */
export interface MissingAllow {
  readonly level: ScopeLevel;
  /** The allows in force there; at least one. */
  readonly rules: readonly Freeze[];
}

/** Why deployments may not start; at least one of the lists holds something. */
export interface Closed {
  readonly state: "closed";
  /** The active denies. */
  readonly by: readonly Freeze[];
  readonly missing: readonly MissingAllow[];
}

/** Whether deployments may start in an environment, as far as freezes go. */
export type FreezeState = { readonly state: "open" } | Closed;

/**
 * Closed while a deny is active, and while a level that has allows has no active one. A tier of one project and that
 * tier of every project are the same level. What closes comes by level, the widest first, then by name.
 */
export function freezeStateAt(freezes: readonly Freeze[], place: FrozenPlace, at: Date): FreezeState {
  const rules = inOrder(freezes.filter((freeze) => isInForce(freeze, at) && isAbout(freeze.scope, place)));
  const by = rules.filter((freeze) => freeze.effect === "deny" && isActive(freeze, at));
  const missing = allowsByLevel(rules).filter((level) => !level.rules.some((freeze) => isActive(freeze, at)));
  return by.length === 0 && missing.length === 0 ? { state: "open" } : { state: "closed", by, missing };
}

/** The least role that may deploy nevertheless: past every deny, and past one allow of each level. Null: nobody may. */
export function roleToBypass({ by, missing }: Closed): Role | null {
  const needed = [...by.map((freeze) => freeze.bypass), ...missing.map(leastRole)];
  const roles = needed.filter((role) => role !== null);
  return roles.length === needed.length ? greatestRole(roles) : null;
}

/** The allows among these rules, for each level that has some. */
export const allowsByLevel = (rules: readonly Freeze[]): MissingAllow[] =>
  ScopeLevel.options
    .map((level) => ({
      level,
      rules: rules.filter(({ effect, scope }) => effect === "allow" && scope.level === level),
    }))
    .filter((entry) => entry.rules.length > 0);

const leastRole = ({ rules }: MissingAllow): Role | null =>
  rules
    .map((freeze) => freeze.bypass)
    .filter((role) => role !== null)
    .reduce<Role | null>((least, role) => (least === null ? role : lesserRole(least, role)), null);

const inOrder = (rules: readonly Freeze[]): Freeze[] =>
  rules.toSorted(
    (one, other) =>
      ScopeLevel.options.indexOf(one.scope.level) - ScopeLevel.options.indexOf(other.scope.level) ||
      byText(one.name, other.name) ||
      byText(one.id, other.id),
  );

const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
