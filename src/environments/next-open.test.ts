import { afterEach, describe, expect, it, vi } from "vitest";
import { once, PRODUCTION, recurring, SHOP, shopProduction, someFreeze } from "../../test/support/freezes.ts";
import type { Freeze } from "./freeze.ts";
import { nextClose, nextOpen } from "./next-open.ts";

const DAY = 86_400_000;
const FRIDAY = "2026-05-08T12:00:00.000Z";

const opens = (freezes: Freeze[], at = FRIDAY): string | null =>
  nextOpen(freezes, shopProduction, new Date(at))?.toISOString() ?? null;
const closes = (freezes: Freeze[], at = FRIDAY): string | null =>
  nextClose(freezes, shopProduction, new Date(at))?.toISOString() ?? null;

const weekend = someFreeze({ schedule: recurring("0 18 * * FRI", 62 * 60, "Europe/Berlin") });
const officeHours = someFreeze({
  effect: "allow",
  scope: { level: "project", projectId: SHOP },
  schedule: recurring("0 9 * * MON-FRI", 8 * 60, "Europe/Berlin"),
});
const tuesdays = someFreeze({
  effect: "allow",
  scope: { level: "environment", projectId: SHOP, environmentId: PRODUCTION },
  schedule: recurring("0 14 * * TUE", 120, "Europe/Berlin"),
});

describe("the next opening", () => {
  it("is the moment itself where nothing is closed", () => {
    expect(opens([])).toBe(FRIDAY);
    expect(opens([weekend, officeHours])).toBe(FRIDAY);
  });

  it("is the end of the deny, to the millisecond", () => {
    const until = someFreeze({ schedule: once("2026-05-01T00:00:00Z", "2026-05-09T01:02:03.004Z") });
    expect(opens([until])).toBe("2026-05-09T01:02:03.004Z");
    expect(opens([until], "2026-05-09T01:02:03.003Z")).toBe("2026-05-09T01:02:03.004Z");
    expect(opens([until], "2026-05-09T01:02:03.004Z")).toBe("2026-05-09T01:02:03.004Z");
  });

  it("waits for all rules at once", () => {
    expect(opens([weekend], "2026-05-08T20:00:00Z")).toBe("2026-05-11T06:00:00.000Z");
    expect(opens([weekend, officeHours], "2026-05-08T20:00:00Z")).toBe("2026-05-11T07:00:00.000Z");
    expect(opens([weekend, officeHours, tuesdays], "2026-05-08T20:00:00Z")).toBe("2026-05-12T12:00:00.000Z");
  });

  it("comes when a freeze or the last allow of a level expires", () => {
    const expiresAt = new Date("2026-05-10T00:00:00Z");
    expect(opens([someFreeze({ expiresAt })])).toBe("2026-05-10T00:00:00.000Z");
    expect(opens([{ ...tuesdays, expiresAt }])).toBe("2026-05-10T00:00:00.000Z");
    const longer = { ...tuesdays, expiresAt: new Date("2026-05-11T00:00:00Z") };
    expect(opens([{ ...tuesdays, expiresAt }, longer])).toBe("2026-05-11T00:00:00.000Z");
  });

  it("never comes under a freeze without an end, or under an allow whose window has passed", () => {
    expect(opens([someFreeze()])).toBe(null);
    expect(opens([{ ...officeHours, schedule: once("2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z") }])).toBe(
      null,
    );
    expect(opens([someFreeze({ schedule: recurring("0 0 * * *", 1440) })])).toBe(null);
  });

  it("is looked for in 400 days, the last moment included", () => {
    const start = Date.parse(FRIDAY);
    const until = (end: number) =>
      someFreeze({ schedule: { kind: "once", startsAt: new Date(start), endsAt: new Date(end) } });
    expect(opens([until(start + 400 * DAY)])).toBe(new Date(start + 400 * DAY).toISOString());
    expect(opens([until(start + 400 * DAY + 1)])).toBe(null);
    const yearly = { ...officeHours, schedule: recurring("0 0 8 5 *", 60) };
    expect(opens([yearly])).toBe("2027-05-08T00:00:00.000Z");
  });

  it("looks past what is lifted and what is about other places", () => {
    expect(opens([someFreeze({ liftedAt: new Date(FRIDAY) })])).toBe(FRIDAY);
    expect(opens([someFreeze({ scope: { level: "tier", tier: "staging", projectId: null } })])).toBe(FRIDAY);
  });
});

describe("the next closing", () => {
  it("is the moment itself where it is closed", () => {
    expect(closes([someFreeze()])).toBe(FRIDAY);
    expect(closes([tuesdays])).toBe(FRIDAY);
  });

  it("is the start of a deny or the end of the last allow of a level, whichever comes first", () => {
    expect(closes([weekend])).toBe("2026-05-08T16:00:00.000Z");
    expect(closes([weekend, officeHours])).toBe("2026-05-08T15:00:00.000Z");
    const shifted = { ...officeHours, schedule: recurring("0 16 * * MON-FRI", 30, "Europe/Berlin") };
    const later = { ...officeHours, schedule: recurring("30 16 * * MON-FRI", 120, "Europe/Berlin") };
    expect(closes([officeHours, shifted, later])).toBe("2026-05-08T16:30:00.000Z");
  });

  it("never comes without rules, or when they expire while they let through", () => {
    expect(closes([])).toBe(null);
    expect(closes([{ ...officeHours, expiresAt: new Date("2026-05-08T14:00:00Z") }])).toBe(null);
  });
});

describe("a search over many rules", () => {
  afterEach(() => vi.restoreAllMocks());

  /** How often the search asks whether a cron expression falls on a day, the measure of all its work. */
  function costOf(search: () => unknown): number {
    const calendar = vi.spyOn(Date.prototype, "getUTCMonth");
    search();
    return calendar.mock.calls.length;
  }

  it("asks the calendar for days, not for minutes, also where nothing ever opens", () => {
    const hours = Array.from({ length: 100 }, (_, index) =>
      someFreeze({
        schedule: recurring(
          index % 2 === 0 ? `${index % 60} */2 * * *` : "0 1-23/2 * * *",
          120,
          "America/Chicago",
        ),
      }),
    );
    expect(costOf(() => expect(opens(hours)).toBe(null))).toBeLessThan(100 * 400 * 10);
  });

  it("looks only at the days around the opening where there is one", () => {
    const nights = Array.from({ length: 100 }, (_, index) =>
      someFreeze({ schedule: recurring(`${index % 60} 20 * * *`, 600, "Asia/Tokyo") }),
    );
    const at = "2026-05-08T12:59:00Z";
    expect(costOf(() => expect(opens(nights, at)).toBe("2026-05-08T21:59:00.000Z"))).toBeLessThan(100 * 40);
  });

  it("gives up on windows of a minute that close each other's gaps for longer than anyone waits", () => {
    const even = someFreeze({ schedule: recurring("*/2 * * * *", 1) });
    const odd = someFreeze({ schedule: recurring("1-59/2 * * * *", 1) });
    expect(opens([even, odd])).toBe(null);
    const lastGap = someFreeze({ schedule: recurring("1-57/2 * * * *", 1) });
    expect(opens([even, lastGap])).toBe("2026-05-08T12:59:00.000Z");
  });
});
