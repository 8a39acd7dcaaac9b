import { describe, expect, it } from "vitest";
import { evenTimesOf, TimeZone } from "./time-zone.ts";

const HOUR = 3_600_000;
const dayOf = (date: string): number => Date.parse(date) / 86_400_000;
const seen = (zone: string, date: string): string[] =>
  evenTimesOf(zone, dayOf(date)).map(
    ({ from, to, offset, offsetBefore }) =>
      `${new Date(from).toISOString()} ${(to - from) / HOUR}h ${offsetBefore / HOUR} ${offset / HOUR}`,
  );

describe("a time zone", () => {
  it.each([
    "Europe/Berlin",
    "europe/berlin",
    "UTC",
    "America/Argentina/Buenos_Aires",
    "Etc/GMT+5",
    "Asia/Kolkata",
  ])("may be %s", (zone) => expect(TimeZone.safeParse(zone).success).toBe(true));

  it.each([
    "",
    "Nowhere/City",
    "+02:00",
    "-0330",
    "Europe/Berlin ",
    "Europe",
    "../etc/passwd",
    "x".repeat(65),
  ])("must not be %j", (zone) => expect(TimeZone.safeParse(zone).success).toBe(false));

  it("runs evenly on most days", () => {
    expect(seen("UTC", "2026-05-04")).toEqual(["2026-05-04T00:00:00.000Z 24h 0 0"]);
    expect(seen("Asia/Kathmandu", "2026-05-04")).toEqual(["2026-05-04T00:00:00.000Z 24h 5.75 5.75"]);
    expect(seen("America/St_Johns", "2026-01-04")).toEqual(["2026-01-04T00:00:00.000Z 24h -3.5 -3.5"]);
  });

  it("is cut at the moment at which the clock is changed", () => {
    expect(seen("Europe/Berlin", "2026-03-29")).toEqual([
      "2026-03-29T00:00:00.000Z 1h 1 1",
      "2026-03-29T01:00:00.000Z 23h 1 2",
    ]);
    expect(seen("Australia/Lord_Howe", "2026-04-04")).toEqual([
      "2026-04-04T00:00:00.000Z 15h 11 11",
      "2026-04-04T15:00:00.000Z 9h 11 10.5",
    ]);
  });

  it("says what the clock showed before when it is changed at midnight UTC", () => {
    expect(seen("Europe/Minsk", "2009-03-28")).toEqual(["2009-03-28T00:00:00.000Z 24h 2 2"]);
    expect(seen("Europe/Minsk", "2009-03-29")).toEqual(["2009-03-29T00:00:00.000Z 24h 2 3"]);
  });

  it("knows what was long ago, to the second", () => {
    expect(evenTimesOf("Africa/Monrovia", dayOf("1960-01-01"))[0]?.offset).toBe(-(44 * 60 + 30) * 1000);
  });
});
