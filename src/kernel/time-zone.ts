import * as z from "zod";

const DAY_MILLIS = 86_400_000;
/** Of each zone; a few years, as that is how far anyone looks ahead. */
const MOST_DAYS_KEPT = 2000;

/** A zone of the IANA database, such as Europe/Berlin or UTC; no bare offset, because that knows no summer time. */
export const TimeZone = z
  .string()
  .max(64, { abort: true })
  .refine(isZone, "must be a time zone of the IANA database, such as Europe/Berlin");

/** A part of a UTC day in which a zone's clock runs evenly; half-open, milliseconds since 1970. */
export interface EvenTime {
  readonly from: number;
  readonly to: number;
  /** What the clock shows less UTC, in milliseconds. */
  readonly offset: number;
  /** The offset until `from`. */
  readonly offsetBefore: number;
}

interface ZoneClock {
  readonly format: Intl.DateTimeFormat;
  readonly days: Map<number, readonly EvenTime[]>;
}

/** A look into the zone database costs far more than all the arithmetic on it. */
const clocks = new Map<string, ZoneClock>();

/**
 * The UTC day, counted from 1970, cut where the zone's clock is put forward or back: one part, or two.
 * What a zone undoes within the same UTC day stays unseen; no zone does that.
 */
export function evenTimesOf(zone: string, day: number): readonly EvenTime[] {
  const clock = clockOf(zone);
  const known = clock.days.get(day);
  if (known !== undefined) return known;
  if (clock.days.size >= MOST_DAYS_KEPT) clock.days.clear();
  const times = cut(clock.format, day * DAY_MILLIS);
  clock.days.set(day, times);
  return times;
}

function cut(format: Intl.DateTimeFormat, from: number): readonly EvenTime[] {
  const to = from + DAY_MILLIS;
  const offsetBefore = offsetAt(format, from - 1);
  const offset = offsetAt(format, from);
  const last = offsetAt(format, to - 1);
  if (offset === last) return [{ from, to, offset, offsetBefore }];
  const change = changeBetween(format, from, to - 1);
  return [
    { from, to: change, offset, offsetBefore },
    { from: change, to, offset: last, offsetBefore: offset },
  ];
}

/** The first moment with another offset than `from`; `to` is known to have another. */
function changeBetween(format: Intl.DateTimeFormat, from: number, to: number): number {
  const offset = offsetAt(format, from);
  let before = from;
  let after = to;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(format, middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

function clockOf(zone: string): ZoneClock {
  // Names are the same in any case, and must not fill the memory in all of them.
  const key = zone.toLowerCase();
  const known = clocks.get(key);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  const clock = { format, days: new Map<number, readonly EvenTime[]>() };
  clocks.set(key, clock);
  return clock;
}

/** From the end of what the format makes: `GMT`, `GMT+05:30`, or, long ago, `GMT-00:44:30`. */
function offsetAt(format: Intl.DateTimeFormat, millis: number): number {
  const [, sign, hours = "0", minutes = "0", seconds = "0"] =
    /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(millis)) ?? [];
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === "-" ? -size : size;
}

function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    clockOf(name);
    return true;
  } catch {
    return false;
  }
}
