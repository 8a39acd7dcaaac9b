import { misuse } from "./failure.ts";

const UNIT_MILLIS = { min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SPAN = /^(\d{1,5})(min|h|d)$/;
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?(Z|[+-]\d\d:\d\d)?$/;

/** How a moment is written on the command line. */
export const MOMENT_FORM =
  "A moment is a span from now on (30min, 8h, 90d), or 2026-12-20T18:00: on your own clock, unless Z or an offset follows.";

/** The moment that an option names. Throws CommandFailure. */
export function readMoment(option: string, text: string, now = new Date()): Date {
  const [, count = "", unit] = SPAN.exec(text) ?? [];
  if (unit !== undefined)
    return new Date(now.getTime() + Number(count) * UNIT_MILLIS[unit as keyof typeof UNIT_MILLIS]);
  // A date alone would be read as midnight in UTC.
  const clock = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text.replace(" ", "T");
  const moment = new Date(clock);
  if (!MOMENT.test(text) || Number.isNaN(moment.getTime()))
    throw misuse(`${option} ${text} is no moment. ${MOMENT_FORM}`);
  return moment;
}
