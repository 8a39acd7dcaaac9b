import ipaddr from "ipaddr.js";
import { DomainError } from "../kernel/errors.ts";

interface Window {
  readonly endsAt: number;
  count: number;
}

/** Counts attempts by key within a window of time, in memory: a restart forgets, each replica counts for itself. */
export interface Attempts {
  /** Counts one attempt. Throws RATE_LIMITED when the window has no room for it. */
  take(key: string, now: Date): void;
  /** The attempt was a good one after all. */
  giveBack(key: string): void;
}

/** Whom an address stands for: one IPv4 address, or the /64 that a single IPv6 customer has all to itself. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv4 ? parsed.toString() : `${parsed.parts.slice(0, 4).join(":")}/64`;
}

/** `most` attempts per key in `windowMillis`, for at most `keys` keys; beyond that the oldest windows are forgotten. */
export function createAttempts(most: number, windowMillis: number, keys = 10_000): Attempts {
  const windows = new Map<string, Window>();
  const current = (key: string, now: number): Window => {
    const known = windows.get(key);
    if (known && known.endsAt > now) return known;
    windows.delete(key);
    const oldest = windows.size >= keys ? windows.keys().next().value : undefined;
    if (oldest !== undefined) windows.delete(oldest);
    const fresh = { endsAt: now + windowMillis, count: 0 };
    windows.set(key, fresh);
    return fresh;
  };
  return {
    take(key, now) {
      const window = current(key, now.getTime());
      if (window.count >= most) {
        const seconds = Math.ceil((window.endsAt - now.getTime()) / 1000);
        throw new DomainError("RATE_LIMITED", `Too many attempts; try again in ${seconds} seconds`, {
          retryAfterSeconds: seconds,
        });
      }
      window.count += 1;
    },
    giveBack(key) {
      const window = windows.get(key);
      if (window && window.count > 0) window.count -= 1;
    },
  };
}
