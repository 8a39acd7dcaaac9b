import { randomBytes } from "node:crypto";
import * as z from "zod";

/** An id: 24 lower-case hex digits, valid as an ObjectID for Zadig clients and sortable by age. */
export const Id = z.string().regex(/^[0-9a-f]{24}$/, "must be 24 hex digits");

const RANDOM_DIGITS = 13;
const RANDOM_LIMIT = 16n ** BigInt(RANDOM_DIGITS);

let lastMillisecond = 0;
let lastRandom = 0n;

/**
 * A new id: 8 hex digits of unix seconds, 3 of milliseconds, 13 random.
 * Within a process ids only grow: in the same millisecond, or when the clock steps back, the last one is counted up.
 */
export function newId(now: Date): string {
  const millisecond = now.getTime();
  if (millisecond > lastMillisecond) {
    lastMillisecond = millisecond;
    lastRandom = BigInt(`0x${randomBytes(7).toString("hex")}`) % (RANDOM_LIMIT / 2n);
  } else {
    lastRandom += 1n;
  }
  const seconds = Math.floor(lastMillisecond / 1000);
  const digits = (value: number | bigint, length: number) => value.toString(16).padStart(length, "0");
  return digits(seconds, 8) + digits(lastMillisecond % 1000, 3) + digits(lastRandom, RANDOM_DIGITS);
}
