/*
 * What a recurring window covers, found out the slow way: by looking at the clock of the zone in every minute. It shares
 * nothing with the program but the rules: a time that the clock skips counts at the first minute after the gap, a time
 * that it shows twice counts twice, and a window lasts for the minutes that pass.
 */

const MINUTE = 60_000;

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** Every minute of some days: what the clock of the zone showed in it, and just before, as if it were UTC. */
export interface Minutes {
  readonly from: number;
  readonly shown: readonly number[];
}

/** Reads the clock of the zone in each minute. */
export function lookAtClock(zone: string, from: Date, days: number): Minutes {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  const shown = Array.from({ length: days * 1440 }, (_, minute) => {
    const parts = format.formatToParts(from.getTime() + minute * MINUTE);
    const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
    return Date.UTC(read("year"), read("month") - 1, read("day"), read("hour"), read("minute"));
  });
  return { from: from.getTime(), shown };
}

/** Whether the window covers each minute. Those of the first `durationMinutes` may miss a beginning before them. */
export function coveredMinutes({ shown }: Minutes, cron: string, durationMinutes: number): boolean[] {
  let lastBeginning = Number.NEGATIVE_INFINITY;
  return shown.map((now, minute) => {
    const skipped: number[] = [];
    for (let time = (shown[minute - 1] ?? now) + MINUTE; time < now; time += MINUTE) skipped.push(time);
    if ([now, ...skipped].some((time) => comesAt(cron, new Date(time)))) lastBeginning = minute;
    return minute - lastBeginning < durationMinutes;
  });
}

/** True when the expression names the minute; the date is read in UTC. */
export function comesAt(cron: string, date: Date): boolean {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = cron.split(" ");
  return (
    names(minute, date.getUTCMinutes(), 0) &&
    names(hour, date.getUTCHours(), 0) &&
    names(numbered(month, MONTHS, 1), date.getUTCMonth() + 1, 1) &&
    namesDay(day, numbered(weekday, WEEKDAYS, 0), date)
  );
}

function namesDay(day: string, weekday: string, date: Date): boolean {
  const numbers = date.getUTCDay() === 0 ? [0, 7] : [date.getUTCDay()];
  const byWeekday = numbers.some((number) => names(weekday, number, 0));
  const byDay = names(day, date.getUTCDate(), 1);
  return day !== "*" && weekday !== "*" ? byDay || byWeekday : byDay && byWeekday;
}

const numbered = (field: string, words: readonly string[], first: number): string =>
  words.reduce((text, word, index) => text.replaceAll(word, String(index + first)), field);

function names(field: string, value: number, least: number): boolean {
  return field.split(",").some((part) => {
    const [range = "", step = "1"] = part.split("/");
    const [first, last = first] = range === "*" ? [least, 99] : range.split("-").map(Number);
    if (first === undefined || last === undefined) return false;
    return value >= first && value <= last && (value - first) % Number(step) === 0;
  });
}
