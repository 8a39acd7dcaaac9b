import { Cron } from "croner";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { once, recurring, someFreeze } from "../../test/support/freezes.ts";
import { comesAt } from "../../test/support/minute-by-minute.ts";
import type { Freeze } from "./freeze.ts";
import { isActive, upcomingWindows } from "./freeze-windows.ts";

const YEAR = 366 * 86_400_000;

const active = (freeze: Freeze, at: string): boolean => isActive(freeze, new Date(at));
const windows = (freeze: Freeze, from: string, count: number): string[] =>
  upcomingWindows(freeze, new Date(from), count).map(
    ({ startsAt, endsAt }) => `${startsAt.toISOString()} ${endsAt?.toISOString() ?? "-"}`,
  );

describe("a freeze's edges", () => {
  const christmas = someFreeze({ schedule: once("2026-12-24T10:00:00.000Z", "2026-12-27T10:00:00.000Z") });

  it("belong to it at the start and no more at the end, to the millisecond", () => {
    expect(active(christmas, "2026-12-24T09:59:59.999Z")).toBe(false);
    expect(active(christmas, "2026-12-24T10:00:00.000Z")).toBe(true);
    expect(active(christmas, "2026-12-27T09:59:59.999Z")).toBe(true);
    expect(active(christmas, "2026-12-27T10:00:00.000Z")).toBe(false);
  });

  it("are as sharp when it recurs", () => {
    const nights = someFreeze({ schedule: recurring("0 22 * * *", 480) });
    expect(active(nights, "2026-05-05T21:59:59.999Z")).toBe(false);
    expect(active(nights, "2026-05-05T22:00:00.000Z")).toBe(true);
    expect(active(nights, "2026-05-06T05:59:59.999Z")).toBe(true);
    expect(active(nights, "2026-05-06T06:00:00.000Z")).toBe(false);
  });

  it("give the answer of the moment, whichever way the clock is stepped across them", () => {
    const across = ["10:00:00.000", "09:59:59.999", "10:00:00.001", "09:00:00.000", "10:00:00.000"];
    expect(across.map((time) => active(christmas, `2026-12-24T${time}Z`))).toEqual([
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it("come with its start when it holds from now on, and with its expiry", () => {
    const now = someFreeze({
      schedule: { kind: "now", startsAt: new Date("2026-05-01T00:00:00Z") },
      expiresAt: new Date("2026-05-02T00:00:00Z"),
    });
    expect(active(now, "2026-04-30T23:59:59.999Z")).toBe(false);
    expect(active(now, "2026-05-01T23:59:59.999Z")).toBe(true);
    expect(active(now, "2026-05-02T00:00:00.000Z")).toBe(false);
    expect(active({ ...now, expiresAt: null }, "2099-01-01T00:00:00Z")).toBe(true);
    expect(windows({ ...now, expiresAt: null }, "2026-05-05T00:00:00Z", 5)).toEqual([
      "2026-05-01T00:00:00.000Z -",
    ]);
  });

  it("never come once it was lifted, even for a clock that is behind", () => {
    const lifted = { ...christmas, liftedAt: new Date("2026-12-26T00:00:00Z"), liftedBy: "bob" };
    expect(active(lifted, "2026-12-25T00:00:00Z")).toBe(false);
    expect(windows(lifted, "2026-01-01T00:00:00Z", 5)).toEqual([]);
  });

  it("are those of the expiry when it comes before the end of the window", () => {
    const cut = { ...christmas, expiresAt: new Date("2026-12-25T00:00:00Z") };
    expect(windows(cut, "2026-12-01T00:00:00Z", 5)).toEqual([
      "2026-12-24T10:00:00.000Z 2026-12-25T00:00:00.000Z",
    ]);
    expect(
      windows({ ...cut, expiresAt: new Date("2026-12-24T10:00:00Z") }, "2026-12-01T00:00:00Z", 5),
    ).toEqual([]);
  });
});

describe("the next windows", () => {
  it("begin with the one under way", () => {
    const nights = someFreeze({ schedule: recurring("0 22 * * 1-5", 480) });
    expect(windows(nights, "2026-05-08T23:00:00Z", 2)).toEqual([
      "2026-05-08T22:00:00.000Z 2026-05-09T06:00:00.000Z",
      "2026-05-11T22:00:00.000Z 2026-05-12T06:00:00.000Z",
    ]);
    expect(windows(nights, "2026-05-09T06:00:00Z", 1)).toEqual([
      "2026-05-11T22:00:00.000Z 2026-05-12T06:00:00.000Z",
    ]);
  });

  it("are one where they overlap or touch", () => {
    const weekend = someFreeze({ schedule: recurring("0 0 * * SAT,SUN", 1440) });
    expect(windows(weekend, "2026-05-04T00:00:00Z", 1)).toEqual([
      "2026-05-09T00:00:00.000Z 2026-05-11T00:00:00.000Z",
    ]);
    const apart = someFreeze({ schedule: recurring("0 0 * * SAT,SUN", 1439) });
    expect(windows(apart, "2026-05-04T00:00:00Z", 2)).toHaveLength(2);
  });

  it("have no end where one begins before the other ends, for ever", () => {
    expect(windows(someFreeze({ schedule: recurring("* * * * *", 1) }), "2026-05-04T00:00:30Z", 5)).toEqual([
      "2026-05-04T00:00:00.000Z -",
    ]);
  });

  it("show the true end of one that lasts longer than the search looks ahead", () => {
    const long = someFreeze({ schedule: once("2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z") });
    expect(windows(long, "2026-05-04T00:00:00Z", 5)).toEqual([
      "2026-01-01T00:00:00.000Z 2030-01-01T00:00:00.000Z",
    ]);
  });

  it("find a leap day years ahead, also beyond a century that has none", () => {
    const leapDay = someFreeze({ schedule: recurring("0 0 29 2 *", 60) });
    expect(windows(leapDay, "2026-05-04T00:00:00Z", 2)).toEqual([
      "2028-02-29T00:00:00.000Z 2028-02-29T01:00:00.000Z",
      "2032-02-29T00:00:00.000Z 2032-02-29T01:00:00.000Z",
    ]);
    expect(windows(leapDay, "2096-03-01T00:00:00Z", 1)).toEqual([
      "2104-02-29T00:00:00.000Z 2104-02-29T01:00:00.000Z",
    ]);
  });

  it("are at most as many as were asked for", () => {
    const daily = someFreeze({ schedule: recurring("0 0 * * *", 60) });
    expect(windows(daily, "2026-05-04T00:00:00Z", 5)).toHaveLength(5);
    expect(windows(daily, "2026-05-04T00:00:00Z", 0)).toEqual([]);
  });
});

describe("a recurring window where the clock is changed", () => {
  it("begins at the moment of the change when the clock skips its time", () => {
    const berlin = someFreeze({ schedule: recurring("30 2 * * *", 60, "Europe/Berlin") });
    expect(windows(berlin, "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:00:00.000Z 2026-03-29T02:00:00.000Z",
      "2026-03-30T00:30:00.000Z 2026-03-30T01:30:00.000Z",
    ]);
  });

  it("begins both times when the clock shows its time twice", () => {
    const berlin = someFreeze({ schedule: recurring("30 2 * * *", 15, "Europe/Berlin") });
    expect(windows(berlin, "2026-10-24T12:00:00Z", 3)).toEqual([
      "2026-10-25T00:30:00.000Z 2026-10-25T00:45:00.000Z",
      "2026-10-25T01:30:00.000Z 2026-10-25T01:45:00.000Z",
      "2026-10-26T01:30:00.000Z 2026-10-26T01:45:00.000Z",
    ]);
  });

  it("lasts for the time that passes, whatever the clock shows at its end", () => {
    const night = someFreeze({ schedule: recurring("0 22 * * *", 480, "Europe/Berlin") });
    expect(windows(night, "2026-03-28T12:00:00Z", 1)).toEqual([
      "2026-03-28T21:00:00.000Z 2026-03-29T05:00:00.000Z",
    ]);
    expect(windows(night, "2026-10-24T12:00:00Z", 1)).toEqual([
      "2026-10-24T20:00:00.000Z 2026-10-25T04:00:00.000Z",
    ]);
  });

  it("follows a change by half an hour", () => {
    const island = someFreeze({ schedule: recurring("15 2 * * *", 10, "Australia/Lord_Howe") });
    expect(windows(island, "2026-10-03T10:00:00Z", 1)).toEqual([
      "2026-10-03T15:30:00.000Z 2026-10-03T15:40:00.000Z",
    ]);
  });

  it("is not lost with a midnight that the clock skips", () => {
    const midnight = someFreeze({ schedule: recurring("0 0 * * *", 30, "Africa/Cairo") });
    expect(windows(midnight, "2026-04-23T12:00:00Z", 1)).toEqual([
      "2026-04-23T22:00:00.000Z 2026-04-23T22:30:00.000Z",
    ]);
  });

  it("is not lost with a whole day that the calendar skips", () => {
    const friday = someFreeze({ schedule: recurring("0 12 * * FRI", 30, "Pacific/Apia") });
    expect(windows(friday, "2011-12-30T00:00:00Z", 1)).toEqual([
      "2011-12-30T10:00:00.000Z 2011-12-30T10:30:00.000Z",
    ]);
  });

  it("is not lost when the clock is changed at midnight UTC", () => {
    const minsk = someFreeze({ schedule: recurring("30 2 * * *", 30, "Europe/Minsk") });
    expect(windows(minsk, "2009-03-28T12:00:00Z", 1)).toEqual([
      "2009-03-29T00:00:00.000Z 2009-03-29T00:30:00.000Z",
    ]);
  });

  it("stays in order where the clock goes back across midnight", () => {
    const midnight = someFreeze({ schedule: recurring("0,30 0,23 * * *", 5, "America/Toronto") });
    const around = windows(midnight, "1990-10-28T02:00:00Z", 8);
    expect(around).toEqual(around.toSorted());
    expect(new Set(around).size).toBe(8);
  });

  it("reads the clock of zones that are ahead by odd minutes", () => {
    const at = (zone: string) =>
      windows(someFreeze({ schedule: recurring("0 9 * * *", 60, zone) }), "2026-05-04T00:00:00Z", 1)[0];
    expect(at("Asia/Kolkata")).toBe("2026-05-04T03:30:00.000Z 2026-05-04T04:30:00.000Z");
    expect(at("Asia/Kathmandu")).toBe("2026-05-04T03:15:00.000Z 2026-05-04T04:15:00.000Z");
    expect(at("Pacific/Chatham")).toBe("2026-05-04T20:15:00.000Z 2026-05-04T21:15:00.000Z");
    expect(at("Pacific/Kiritimati")).toBe("2026-05-04T19:00:00.000Z 2026-05-04T20:00:00.000Z");
    expect(at("Pacific/Pago_Pago")).toBe("2026-05-04T20:00:00.000Z 2026-05-04T21:00:00.000Z");
  });
});

describe("cron expressions", () => {
  const field = (least: number, most: number): fc.Arbitrary<string> => {
    const value = fc.integer({ min: least, max: most });
    const range = fc
      .tuple(value, value)
      .map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
    const step = fc.integer({ min: 1, max: Math.max(2, Math.floor((most - least) / 2)) });
    return fc.oneof(
      fc.constant("*"),
      value.map(String),
      range,
      step.map((by) => `*/${by}`),
      fc.tuple(range, fc.integer({ min: 1, max: 3 })).map(([text, by]) => `${text}/${by}`),
      fc
        .array(fc.oneof(value.map(String), range), { minLength: 2, maxLength: 4 })
        .map((list) => list.join(",")),
    );
  };
  const someCron = fc
    .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
    .map((fields) => fields.join(" "));

  it("come when another reader and a plain look at each field say so", () => {
    fc.assert(
      fc.property(someCron, fc.integer({ min: 0, max: 20_000_000 }), (cron, minute) => {
        const before = new Date(Date.UTC(2020, 0, 1) + minute * 60_000);
        const from = new Date(before.getTime() + 60_000);
        const next = new Cron(cron, { timezone: "UTC", mode: "5-part", paused: true }).nextRun(before);
        const [window] = upcomingWindows(someFreeze({ schedule: recurring(cron, 1) }), from, 1);
        expect(next === null || comesAt(cron, next)).toBe(true);
        const near = (millis: number) => (millis < from.getTime() + 9 * YEAR ? millis : null);
        // A window of one minute that is under way when the next one is due has been joined to it.
        const found = window && Math.max(window.startsAt.getTime(), from.getTime());
        expect(near(found ?? Number.POSITIVE_INFINITY)).toBe(
          near(next?.getTime() ?? Number.POSITIVE_INFINITY),
        );
      }),
      { numRuns: 300 },
    );
  });
});
