import { type Freeze, type FrozenPlace, isAbout } from "./freeze.ts";
import { allowsByLevel } from "./freeze-state.ts";
import { HORIZON_MILLIS, type Span, windowsOf } from "./freeze-windows.ts";

/*
 * When freezes open or close an environment next. The search leaps from edge to edge of the rules' windows, never from
 * minute to minute: no moment is open before each active deny has ended and each level without an active allow has one,
 * so it leaps to the latest of these; and no moment is closed before a deny begins or the last allow of a level ends.
 */

/** Hourly windows of several rules in turn stay far below it; windows of a minute, set against each other, do not. */
const MOST_LEAPS = 40_000;

const NEVER: Span = { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };

/** The windows of one freeze, looked at in the order of time. */
interface Followed {
  readonly expiry: number;
  /** The first window that ends after this moment. No moment may be earlier than the one before. */
  windowAt(moment: number): Span;
}

interface Rules {
  readonly denies: readonly Followed[];
  /** The allows of each level that has some. */
  readonly levels: readonly (readonly Followed[])[];
}

/**
 * The first moment from `at` on at which freezes let deployments start. Null: none within 400 days, or none that
 * 40,000 leaps from window to window reach.
 */
export function nextOpen(freezes: readonly Freeze[], place: FrozenPlace, at: Date): Date | null {
  const { denies, levels } = followRules(freezes, place, at);
  return leap(at, (moment) =>
    Math.max(
      moment,
      ...denies.map((deny) => endOf(deny, moment)),
      ...levels.map((level) => openingOf(level, moment)),
    ),
  );
}

/** The first moment from `at` on at which freezes keep deployments from starting. Null as for `nextOpen`. */
export function nextClose(freezes: readonly Freeze[], place: FrozenPlace, at: Date): Date | null {
  const { denies, levels } = followRules(freezes, place, at);
  return leap(at, (moment) =>
    Math.min(
      ...denies.map((deny) => startOf(deny, moment)),
      ...levels.map((level) => closingOf(level, moment)),
    ),
  );
}

/** Goes on to what `earliest` says until that is the moment itself. */
function leap(at: Date, earliest: (moment: number) => number): Date | null {
  const last = at.getTime() + HORIZON_MILLIS;
  let moment = at.getTime();
  for (let leaps = 0; leaps < MOST_LEAPS; leaps += 1) {
    const next = earliest(moment);
    if (next === moment) return new Date(moment);
    if (next > last) return null;
    moment = next;
  }
  return null;
}

const isActiveAt = (rule: Followed, moment: number): boolean => rule.windowAt(moment).start <= moment;

/** When the rule next is inactive; the moment itself if it is. */
const endOf = (rule: Followed, moment: number): number =>
  isActiveAt(rule, moment) ? rule.windowAt(moment).end : moment;

/** When the rule next is active; the moment itself if it is. */
const startOf = (rule: Followed, moment: number): number => Math.max(rule.windowAt(moment).start, moment);

/** When an allow of the level begins, or the last of them expires and the level has none. */
function openingOf(level: readonly Followed[], moment: number): number {
  const inForce = level.filter(({ expiry }) => expiry > moment);
  if (inForce.length === 0) return moment;
  const noneLeft = Math.max(...inForce.map(({ expiry }) => expiry));
  return Math.min(noneLeft, ...inForce.map((rule) => startOf(rule, moment)));
}

/** When the last of the allows that are active ends; others may have begun by then. */
function closingOf(level: readonly Followed[], moment: number): number {
  const inForce = level.filter(({ expiry }) => expiry > moment);
  if (inForce.length === 0) return Number.POSITIVE_INFINITY;
  return Math.max(moment, ...inForce.map((rule) => endOf(rule, moment)));
}

function followRules(freezes: readonly Freeze[], place: FrozenPlace, at: Date): Rules {
  const rules = freezes.filter(({ liftedAt, scope }) => liftedAt === null && isAbout(scope, place));
  const from = at.getTime();
  return {
    denies: rules.filter(({ effect }) => effect === "deny").map((freeze) => follow(freeze, from)),
    levels: allowsByLevel(rules).map((level) => level.rules.map((freeze) => follow(freeze, from))),
  };
}

function follow(freeze: Freeze, from: number): Followed {
  const windows = windowsOf(freeze, from, from + HORIZON_MILLIS);
  const next = (): Span => windows.next().value ?? NEVER;
  let window: Span | null = null;
  return {
    expiry: freeze.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    windowAt(moment) {
      window ??= next();
      while (window.end <= moment) window = next();
      return window;
    },
  };
}
