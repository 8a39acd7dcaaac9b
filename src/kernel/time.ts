import * as z from "zod";

/** A moment: `Date` in the program, ISO 8601 in UTC in our own API. */
export const Instant = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/** Unix seconds, the form Zadig speaks; 0 stands for "never". */
export const toUnixSeconds = (date: Date | null): number =>
  date === null ? 0 : Math.floor(date.getTime() / 1000);

/** A moment as the database holds it: milliseconds since 1970, or null. */
export const toMillis = (date: Date | null): number | null => (date === null ? null : date.getTime());
export function fromMillis(millis: number): Date;
export function fromMillis(millis: number | null): Date | null;
export function fromMillis(millis: number | null): Date | null {
  return millis === null ? null : new Date(millis);
}
