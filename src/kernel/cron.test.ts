import { describe, expect, it } from "vitest";
import { CronExpression, readCron } from "./cron.ts";

const problem = (text: string): string | undefined =>
  CronExpression.safeParse(text)
    .error?.issues.map(({ message }) => message)
    .join("; ");

const dayOf = (date: string): number => Date.parse(date) / 86_400_000;

describe("a cron expression", () => {
  it.each([
    "* * * * *",
    "0 18 * * FRI",
    "0 18 * * fri",
    "*/15 9-17 * * MON-FRI",
    "0,30 0-23/2 1,15 JAN-MAR,12 0-7",
    "0 0 29 2 *",
    "59 23 31 12 7",
  ])("may be %j", (text) => expect(problem(text)).toBeUndefined());

  it.each([
    ["", "five fields"],
    ["0 0 * *", "five fields"],
    ["0 0 0 * * *", "five fields"],
    ["0  0 * * *", "five fields"],
    [" 0 0 * * *", "five fields"],
    ["0 0 * * *\n", "five fields"],
    ["0\t0 * * *", "five fields"],
    ["@daily", "five fields"],
    ["0 0 L * *", "five fields"],
    ["0 0 15W * *", "five fields"],
    ["0 0 * * FRIL", "five fields"],
    ["0 0 * * 5#2", "five fields"],
    ["0 0 ? * *", "five fields"],
    ["0 0 1 * +1", "five fields"],
    ["0 0 -1 * *", "five fields"],
    ["0 0 1, * *", "five fields"],
    ["60 0 * * *", "minute"],
    ["0 24 * * *", "hour"],
    ["0 0 0 * *", "day"],
    ["0 0 32 * *", "day"],
    ["0 0 * 13 *", "month"],
    ["0 0 * * 8", "dayOfWeek"],
    ["0 0 * * DAY", "illegal"],
    ["JAN 0 * * *", "illegal"],
    ["0 22-2 * * *", "larger"],
    ["5/15 * * * *", "stepping"],
    ["*/0 * * * *", "stepping"],
    ["0 0 30 2 *", "no year has"],
    ["0 0 31 4,6,9,11 *", "no year has"],
    [`${"0,".repeat(200)}0 0 * * *`, "200"],
  ])("must not be %j", (text, reason) => expect(problem(text)).toContain(reason));

  it("is refused quickly when it is long", () => {
    expect(problem(`${"1-".repeat(1_000_000)} * * * *`)).toContain("200");
  });

  it("names minutes of the day in order", () => {
    expect(readCron("30,0 9,1 * * *").minutesOfDay).toEqual([60, 90, 540, 570]);
  });

  it("falls on the days that either day field names when both say something", () => {
    const { fallsOn } = readCron("0 0 13 * FRI");
    expect(fallsOn(dayOf("2026-05-13"))).toBe(true);
    expect(fallsOn(dayOf("2026-05-15"))).toBe(true);
    expect(fallsOn(dayOf("2026-05-14"))).toBe(false);
  });

  it("falls on the days that one day field names when the other is a star", () => {
    expect(readCron("0 0 13 * *").fallsOn(dayOf("2026-05-15"))).toBe(false);
    expect(readCron("0 0 * * FRI").fallsOn(dayOf("2026-05-13"))).toBe(false);
  });

  it("knows Sunday as 0 and as 7, and the days before 1970", () => {
    for (const sunday of ["2026-05-03", "1969-12-28"])
      for (const text of ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN"])
        expect(readCron(text).fallsOn(dayOf(sunday))).toBe(true);
  });
});
