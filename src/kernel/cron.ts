import { CronPattern } from "croner";
import * as z from "zod";

const VALUE = "(?:\\d{1,2}|[A-Za-z]{3})";
const PART = `(?:\\*|${VALUE}(?:-${VALUE})?)(?:/\\d{1,2})?`;
const FIELD = `${PART}(?:,${PART})*`;
/** Numbers, names, lists, ranges and steps; not the extensions L, W, #, ?, + and @daily, which differ from tool to tool. */
const FIVE_FIELDS = new RegExp(`^${FIELD}(?: ${FIELD}){4}$`);

const DAY_MILLIS = 86_400_000;
const LEAP_YEAR = { first: Date.UTC(2024, 0, 1) / DAY_MILLIS, days: 366 };

/** When a cron expression comes, on the calendar and the clock of whatever zone it is read in. */
export interface CronTimes {
  /** In order; 0 is midnight. */
  readonly minutesOfDay: readonly number[];
  /** `day`: days since 1970-01-01 on that calendar. */
  readonly fallsOn: (day: number) => boolean;
}

/**
 * Minute, hour, day of the month, month, day of the week (0 and 7: Sunday). As usual, a day needs to match only one of
 * its two fields when neither is `*`.
 */
export const CronExpression = z
  .string()
  .max(200, { abort: true })
  .regex(FIVE_FIELDS, {
    error: "must be the five fields of cron with single blanks between them, such as 0 18 * * FRI",
    abort: true,
  })
  .superRefine((text, context) => {
    const message = problemWith(text);
    if (message !== null) context.addIssue({ code: "custom", message });
  });

/** Reading takes longer than looking for the next time, and the same few are asked for again and again. */
const read = new Map<string, CronTimes>();
const MOST_READ = 1000;

/** Reads a valid `CronExpression`. */
export function readCron(text: string): CronTimes {
  const known = read.get(text);
  if (known !== undefined) return known;
  const pattern = new CronPattern(text, undefined, { mode: "5-part" });
  const minutes = everyIndexOf(pattern.minute);
  const times: CronTimes = {
    minutesOfDay: everyIndexOf(pattern.hour).flatMap((hour) => minutes.map((minute) => hour * 60 + minute)),
    fallsOn: (day) => isDayOf(pattern, new Date(day * DAY_MILLIS)),
  };
  if (read.size >= MOST_READ) read.clear();
  read.set(text, times);
  return times;
}

/** Where the list of the pattern holds a 1. */
const everyIndexOf = (marks: readonly number[]): number[] =>
  marks.flatMap((mark, index) => (mark ? [index] : []));

function isDayOf(pattern: CronPattern, date: Date): boolean {
  if (!pattern.month[date.getUTCMonth()]) return false;
  const byMonth = Boolean(pattern.day[date.getUTCDate() - 1]);
  const byWeek = Boolean(pattern.dayOfWeek[date.getUTCDay()]);
  if (pattern.starDOM) return byWeek;
  return pattern.starDOW ? byMonth : byMonth || byWeek;
}

function problemWith(text: string): string | null {
  try {
    const { fallsOn } = readCron(text);
    const days = Array.from({ length: LEAP_YEAR.days }, (_, index) => LEAP_YEAR.first + index);
    return days.some(fallsOn) ? null : "names a day that no year has";
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "";
    return `is not a cron expression: ${reason}`;
  }
}
