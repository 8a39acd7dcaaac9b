import { type Answer, refusal } from "./answers.ts";

/** GitHub's rate limits. */
export interface Limits {
  /** Calls that are left in this hour. */
  remaining: number;
  /** When that becomes 5,000 again. */
  resetAt: Date;
  /** The next writes that meet a secondary limit. */
  secondary: { left: number; readonly status: 403 | 429; readonly retryAfterSeconds: number | null };
}

const PER_HOUR = 5000;

/** A full hour's calls, and no secondary limit. */
export const createLimits = (now: Date): Limits => ({
  remaining: PER_HOUR,
  resetAt: new Date(now.getTime() + 3_600_000),
  secondary: { left: 0, status: 403, retryAfterSeconds: 60 },
});

/** What every answer says of them. */
export const limitHeaders = ({ remaining, resetAt }: Limits): Record<string, string> => ({
  "x-ratelimit-limit": String(PER_HOUR),
  "x-ratelimit-remaining": String(remaining),
  "x-ratelimit-used": String(PER_HOUR - remaining),
  "x-ratelimit-reset": String(Math.floor(resetAt.getTime() / 1000)),
  "x-ratelimit-resource": "core",
});

/** What GitHub says of the limits when it is asked; that costs nothing of them. */
export function limitAnswer({ remaining, resetAt }: Limits): Answer {
  const rate = {
    limit: PER_HOUR,
    remaining,
    used: PER_HOUR - remaining,
    reset: Math.floor(resetAt.getTime() / 1000),
  };
  return { status: 200, body: { resources: { core: rate, search: rate }, rate } };
}

/** Counts a call; the answer when it is one too many. */
export function countCall(limits: Limits, method: string): Answer | null {
  if (limits.remaining === 0)
    return refusal(
      403,
      "API rate limit exceeded for user ID 1. If you reach out to GitHub Support for help, please include the request ID.",
    );
  limits.remaining -= 1;
  const { secondary } = limits;
  if (method === "GET" || secondary.left === 0) return null;
  secondary.left -= 1;
  const { status, retryAfterSeconds } = secondary;
  const headers: Record<string, string> =
    retryAfterSeconds === null ? {} : { "retry-after": String(retryAfterSeconds) };
  return {
    ...refusal(
      status,
      "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    ),
    headers,
  };
}
