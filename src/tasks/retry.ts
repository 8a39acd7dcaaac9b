import { DomainError, ExternalSystemError } from "../kernel/errors.ts";
import { backoffMillis } from "./backoff.ts";

/** However long an outside system asks us to wait, we ask it again within the hour. */
const LONGEST_ASKED_MILLIS = 3_600_000;

/**
 * How long to wait before a task that failed with `error` is tried again, in milliseconds; null: never.
 * Repeated are failures of the outside that may pass, and unforeseen errors. A refusal by the domain will be the
 * same next time.
 */
export function retryDelayMillis(
  error: unknown,
  tried: { readonly attempt: number; readonly maxAttempts: number },
  random: () => number = Math.random,
): number | null {
  if (tried.attempt >= tried.maxAttempts || error instanceof DomainError) return null;
  const backoff = backoffMillis(tried.attempt, random);
  if (!(error instanceof ExternalSystemError)) return backoff;
  if (!error.retryable) return null;
  return Math.min(error.retryAfterMillis ?? 0, LONGEST_ASKED_MILLIS) + backoff;
}
