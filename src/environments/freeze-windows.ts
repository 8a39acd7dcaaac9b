import { type CronTimes, readCron } from "../kernel/cron.ts";
import { type EvenTime, evenTimesOf } from "../kernel/time-zone.ts";
import type { Freeze, RecurringSchedule } from "./freeze.ts";

/*
 * When a freeze is active. A recurring one begins whenever the clock of its zone shows a time that its cron expression
 * names. A time that the clock skips in spring counts at the moment of the change, so that no window is lost; a time
 * that it shows twice in autumn counts both times, so that a place is never open at a time of day at which it is
 * closed. Each beginning lasts for the duration, in minutes that pass.
 */

const DAY_MILLIS = 86_400_000;
const MINUTE_MILLIS = 60_000;

/** How far ahead the next opening or closing is looked for. */
export const HORIZON_MILLIS = 400 * DAY_MILLIS;
/** A yearly window shall show its next five, and 29 February is found too. */
const PREVIEW_MILLIS = 10 * 366 * DAY_MILLIS;

/** Half-open, in milliseconds since 1970; `end` is infinite where there is none, or none within the horizon. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** When a freeze is active: from `startsAt` on, no more from `endsAt` on; null: no end in sight. */
export interface FreezeWindow {
  readonly startsAt: Date;
  readonly endsAt: Date | null;
}

/** True when the freeze is active at that moment. Whether it denies or allows makes no difference. */
export function isActive(freeze: Freeze, at: Date): boolean {
  const moment = at.getTime();
  return spansOf(freeze, moment, moment).some(({ start, end }) => start <= moment && moment < end);
}

/**
 * The next windows: the one under way, then those that come within ten years; `count` at most. What has lasted
 * without a break for more than a duration is shown as begun that long ago; `endsAt` is null when no break comes.
 */
export function upcomingWindows(freeze: Freeze, from: Date, count: number): FreezeWindow[] {
  const moment = from.getTime();
  return windowsOf(freeze, moment, moment + PREVIEW_MILLIS)
    .take(count)
    .map(({ start, end }) => ({
      startsAt: new Date(start),
      endsAt: end === Number.POSITIVE_INFINITY ? null : new Date(end),
    }))
    .toArray();
}

/**
 * The freeze's windows that end after `from` and begin no later than `to`, in order and apart from each other.
 * One that is under way may have begun before its `start`: nobody looks back much further than a single duration.
 */
export function* windowsOf(freeze: Freeze, from: number, to: number): Generator<Span, undefined> {
  const spans = spansOf(freeze, from, to);
  const first = spans.next();
  if (first.done) return;
  let { start, end } = first.value;
  for (const span of spans) {
    if (span.start > end) {
      yield { start, end };
      start = span.start;
    }
    end = span.end;
    // Nobody looks further.
    if (end > Math.max(start, from) + HORIZON_MILLIS) {
      yield { start, end: Number.POSITIVE_INFINITY };
      return;
    }
  }
  yield { start, end };
}

/** The same before what overlaps is put together. Starts and ends only grow. */
function* spansOf(freeze: Freeze, from: number, to: number): Generator<Span, undefined> {
  if (freeze.liftedAt !== null) return;
  const last = endOfLife(freeze);
  for (const { start, end } of scheduledSpans(freeze, from, to)) {
    if (start > to || start >= last) return;
    if (end > from && last > from) yield { start, end: Math.min(end, last) };
  }
}

const endOfLife = ({ expiresAt }: Freeze): number => expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;

function scheduledSpans({ schedule }: Freeze, from: number, to: number): Iterable<Span> {
  switch (schedule.kind) {
    case "now":
      return [{ start: schedule.startsAt.getTime(), end: Number.POSITIVE_INFINITY }];
    case "once":
      return [{ start: schedule.startsAt.getTime(), end: schedule.endsAt.getTime() }];
    case "recurring":
      return recurringSpans(schedule, from, to);
  }
}

function* recurringSpans(schedule: RecurringSchedule, from: number, to: number): Generator<Span, undefined> {
  const times = readCron(schedule.cron);
  const duration = schedule.durationMinutes * MINUTE_MILLIS;
  const lastDay = Math.floor(to / DAY_MILLIS);
  for (let day = Math.floor((from - duration) / DAY_MILLIS); day <= lastDay; day += 1) {
    // No clock is a whole day ahead or behind; one that skips a day still shows one of these.
    if (!(times.fallsOn(day - 1) || times.fallsOn(day) || times.fallsOn(day + 1))) continue;
    for (const evenTime of evenTimesOf(schedule.zone, day))
      yield* joined(startsIn(times, evenTime), duration);
  }
}

/** A window for each beginning, but one for those of a chain: there may be one in every minute. */
function joined(starts: readonly number[], duration: number): Span[] {
  const spans: Span[] = [];
  let [first, last] = [starts[0], starts[0]];
  for (const start of starts) {
    if (first !== undefined && last !== undefined && start > last + duration) {
      spans.push({ start: first, end: last + duration });
      first = start;
    }
    last = start;
  }
  if (first !== undefined && last !== undefined) spans.push({ start: first, end: last + duration });
  return spans;
}

function startsIn(times: CronTimes, { from, to, offset, offsetBefore }: EvenTime): number[] {
  const starts = clockTimes(times, from + offset, to + offset).map((time) => time - offset);
  const someSkipped = clockTimes(times, from + offsetBefore, from + offset).length > 0;
  return someSkipped ? [from, ...starts] : starts;
}

/** What the clock shows when the expression comes, as if it were UTC; half-open. */
function clockTimes(times: CronTimes, from: number, to: number): number[] {
  const found: number[] = [];
  for (let day = Math.floor(from / DAY_MILLIS); day * DAY_MILLIS < to; day += 1) {
    if (!times.fallsOn(day)) continue;
    for (const minute of times.minutesOfDay) {
      const time = day * DAY_MILLIS + minute * MINUTE_MILLIS;
      if (time >= from && time < to) found.push(time);
    }
  }
  return found;
}
