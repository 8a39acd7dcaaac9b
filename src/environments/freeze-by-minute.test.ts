import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BANK, PRODUCTION, recurring, SHOP, shopProduction, someFreeze } from "../../test/support/freezes.ts";
import { coveredMinutes, lookAtClock, type Minutes } from "../../test/support/minute-by-minute.ts";
import type { Freeze, FreezeScope, RecurringSchedule } from "./freeze.ts";
import { freezeStateAt } from "./freeze-state.ts";
import { isActive, upcomingWindows } from "./freeze-windows.ts";
import { nextClose, nextOpen } from "./next-open.ts";

const MINUTE = 60_000;
const DAY = 1440;
/** The longest duration tried; the minutes before it are looked at for beginnings alone. */
const LEAD_DAYS = 2;
const DAYS = 6;

/** Days in the middle of which the clock is changed, and some in which it is not. */
const PLACES = [
  ["Europe/Berlin", "2026-03-27"],
  ["Europe/Berlin", "2026-10-23"],
  ["America/New_York", "2026-03-06"],
  ["America/New_York", "2026-10-30"],
  ["Australia/Lord_Howe", "2026-04-02"],
  ["Australia/Lord_Howe", "2026-10-01"],
  ["Africa/Cairo", "2026-04-21"],
  // At midnight UTC.
  ["Europe/Minsk", "2009-03-26"],
  ["Europe/Minsk", "2009-10-22"],
  ["Asia/Kolkata", "2026-12-29"],
  ["UTC", "2028-02-27"],
] as const;

const looks = new Map<string, Minutes>();

/** The clock of a zone in the days from then on, and in those before that windows may begin in. */
function clockFrom(zone: string, day: string): Minutes {
  const key = `${zone} ${day}`;
  const from = new Date(Date.parse(day) - LEAD_DAYS * DAY * MINUTE);
  const look = looks.get(key) ?? lookAtClock(zone, from, LEAD_DAYS + DAYS);
  looks.set(key, look);
  return look;
}

/** What the schedule covers, minute by minute from midnight UTC of that day on. */
const covers = ({ cron, durationMinutes, zone }: RecurringSchedule, day: string): boolean[] =>
  coveredMinutes(clockFrom(zone, day), cron, durationMinutes).slice(LEAD_DAYS * DAY);

const listOf = (least: number, most: number) =>
  fc
    .uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 })
    .map((list) => list.join(","));
const someCron = fc
  .tuple(
    fc.oneof(fc.constantFrom("*", "0", "30", "*/7", "*/20", "10-40/5"), listOf(0, 59)),
    fc.oneof(fc.constantFrom("*", "0", "1", "2", "3", "23", "1-3", "*/2", "22-23,0-4"), listOf(0, 23)),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant("*") },
      fc.constantFrom("*/2", "1", "29", "25-31", "1-7"),
      listOf(1, 31),
    ),
    fc.oneof({ weight: 3, arbitrary: fc.constant("*") }, fc.constantFrom("3,4", "OCT-DEC", "*/2", "FEB")),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant("*") },
      fc.constantFrom("SUN", "7", "MON-FRI", "5-7", "0,6"),
    ),
  )
  .map((fields) => fields.join(" "));
const someDuration = fc.oneof(
  fc.integer({ min: 1, max: 90 }),
  fc.constantFrom(60, 120, 1440, 1439, LEAD_DAYS * DAY),
  fc.integer({ min: 1, max: LEAD_DAYS * DAY }),
);
const schedulesIn = (zone: string): fc.Arbitrary<RecurringSchedule> =>
  fc
    .record({ cron: someCron, durationMinutes: someDuration })
    .map((terms) => ({ kind: "recurring", zone, ...terms }));
const someDays = fc.constantFrom(...PLACES);
const someMinute = fc.nat({ max: DAYS * DAY - 1 });

describe("a recurring window", () => {
  it("covers the minutes that a look at the clock in every minute finds, and no other", () => {
    const cases = someDays.chain(([zone, day]) => fc.tuple(fc.constant(day), schedulesIn(zone)));
    fc.assert(
      fc.property(cases, ([day, schedule]) => {
        const from = Date.parse(day);
        const covered = Array.from({ length: DAYS * DAY }, () => false);
        for (const { startsAt, endsAt } of upcomingWindows(
          someFreeze({ schedule }),
          new Date(from),
          10_000,
        )) {
          const [start, end] = [startsAt.getTime(), endsAt?.getTime() ?? Number.POSITIVE_INFINITY].map(
            (edge) => (edge - from) / MINUTE,
          ) as [number, number];
          if (start >= covered.length) break;
          covered.fill(true, Math.max(start, 0), Math.min(end, covered.length));
        }
        expect(covered).toEqual(covers(schedule, day));
      }),
      { numRuns: 120 },
    );
  });

  it("is active in exactly these minutes, from their first to their last millisecond", () => {
    const cases = someDays.chain(([zone, day]) =>
      fc.tuple(fc.constant(day), schedulesIn(zone), fc.array(someMinute, { minLength: 30, maxLength: 30 })),
    );
    fc.assert(
      fc.property(cases, ([day, schedule, minutes]) => {
        const freeze = someFreeze({ schedule });
        const covered = covers(schedule, day);
        for (const minute of minutes)
          for (const millis of [0, 59_999])
            expect(isActive(freeze, new Date(Date.parse(day) + minute * MINUTE + millis))).toBe(
              covered[minute],
            );
      }),
      { numRuns: 80 },
    );
  });
});

describe("rules that work together", () => {
  const scopes: FreezeScope[] = [
    { level: "everything" },
    { level: "project", projectId: SHOP },
    { level: "tier", tier: "production", projectId: null },
    { level: "tier", tier: "production", projectId: SHOP },
    { level: "environment", projectId: SHOP, environmentId: PRODUCTION },
    { level: "project", projectId: BANK },
    { level: "tier", tier: "staging", projectId: null },
  ];
  interface Rule {
    readonly freeze: Freeze;
    readonly active: readonly boolean[];
    /** In minutes; from here on it no longer counts. */
    readonly expiry: number;
  }
  const someRule = (zone: string, day: string): fc.Arbitrary<Rule> =>
    fc
      .record({
        schedule: fc.oneof(schedulesIn(zone), fc.tuple(someMinute, someMinute)),
        scope: fc.constantFrom(...scopes),
        effect: fc.constantFrom("deny" as const, "allow" as const),
        expiry: fc.option(someMinute, { freq: 3, nil: Number.POSITIVE_INFINITY }),
      })
      .map(({ schedule, scope, effect, expiry }) => {
        const after = (minute: number) => new Date(Date.parse(day) + minute * MINUTE);
        const expiresAt = expiry === Number.POSITIVE_INFINITY ? null : after(expiry);
        if (!Array.isArray(schedule))
          return {
            freeze: someFreeze({ schedule, scope, effect, expiresAt }),
            active: covers(schedule, day),
            expiry,
          };
        const [start, end] = [Math.min(...schedule), Math.max(...schedule) + 1];
        const once = { kind: "once" as const, startsAt: after(start), endsAt: after(end) };
        const active = Array.from({ length: DAYS * DAY }, (_, minute) => minute >= start && minute < end);
        return { freeze: someFreeze({ schedule: once, scope, effect, expiresAt }), active, expiry };
      });

  function isOpen(rules: readonly Rule[], minute: number): boolean {
    const concerned = rules.filter(
      ({ freeze: { scope }, expiry }) =>
        minute < expiry &&
        !("projectId" in scope && scope.projectId === BANK) &&
        !(scope.level === "tier" && scope.tier === "staging"),
    );
    if (concerned.some(({ freeze, active }) => freeze.effect === "deny" && active[minute])) return false;
    const allows = concerned.filter(({ freeze }) => freeze.effect === "allow");
    return allows.every(({ freeze: { scope } }) =>
      allows.some(({ freeze, active }) => freeze.scope.level === scope.level && active[minute]),
    );
  }

  /** True when the state at this moment is another than just before it. */
  function isEdge(freezes: readonly Freeze[], edge: Date): boolean {
    const before = freezeStateAt(freezes, shopProduction, new Date(edge.getTime() - 1));
    return freezeStateAt(freezes, shopProduction, edge).state !== before.state;
  }

  const cases = someDays.chain(([zone, day]) =>
    fc.record({
      from: fc.constant(Date.parse(day)),
      rules: fc.array(someRule(zone, day), { maxLength: 6 }),
      asked: fc.array(someMinute, { minLength: 5, maxLength: 5 }),
    }),
  );

  it("are open and closed in the minutes in which each of them, looked at alone, makes them so", () => {
    fc.assert(
      fc.property(cases, ({ from, rules, asked }) => {
        const freezes = rules.map(({ freeze }) => freeze);
        for (const minute of asked) {
          const at = new Date(from + minute * MINUTE + 59_999);
          const { state } = freezeStateAt(freezes, shopProduction, at);
          expect(state).toBe(isOpen(rules, minute) ? "open" : "closed");
        }
      }),
      { numRuns: 80 },
    );
  });

  it("open and close next where a walk over all minutes finds it first, and beyond them at an edge", () => {
    fc.assert(
      fc.property(cases, ({ from, rules, asked }) => {
        const freezes = rules.map(({ freeze }) => freeze);
        const open = Array.from({ length: DAYS * DAY }, (_, minute) => isOpen(rules, minute));
        const end = from + DAYS * DAY * MINUTE;
        for (const minute of asked)
          for (const [search, wanted] of [
            [nextOpen, true],
            [nextClose, false],
          ] as const) {
            const at = from + minute * MINUTE + 1;
            const first = open.indexOf(wanted, minute);
            const found = search(freezes, shopProduction, new Date(at));
            const isBeyond = found === null || (found.getTime() >= end && isEdge(freezes, found));
            expect(first === -1 ? isBeyond : found?.getTime()).toBe(
              first === -1 || Math.max(at, from + first * MINUTE),
            );
          }
      }),
      { numRuns: 80 },
    );
  });
});

describe("a zone's daylight saving", () => {
  it("is met by each of the days tried, or they prove nothing", () => {
    const changed = PLACES.filter(([zone, day]) => {
      const { shown } = clockFrom(zone, day);
      return shown.some((now, minute) => minute > 0 && now - (shown[minute - 1] ?? now) !== MINUTE);
    });
    expect(changed).toHaveLength(9);
    expect(covers(recurring("30 2 * * *", 1, "Europe/Berlin") as RecurringSchedule, "2026-03-27")).toContain(
      true,
    );
  });
});
