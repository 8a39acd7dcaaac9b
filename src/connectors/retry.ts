import { ExternalSystemError } from "../kernel/errors.ts";
import { HostHeldBackError } from "./host-health.ts";
import { pause } from "./pause.ts";

/** How often and how patiently a failed call is made again. */
export interface RetryRule {
  /** Besides the first try. */
  readonly retries: number;
  /** The longest first wait, in milliseconds; it doubles each time. The wait is anything up to it. */
  readonly baseMillis: number;
  /** A system that asks for a longer wait than this is left to the caller. */
  readonly longestWaitMillis: number;
}

/** Enough for a host that is away for ten seconds; one that stays away is soon held back for all its callers. */
export const RETRY_RULE: RetryRule = { retries: 8, baseMillis: 250, longestWaitMillis: 60_000 };

/** The longest wait of our own, in milliseconds. */
const LONGEST_BACKOFF_MILLIS = 8_000;

const isRetryable = (error: unknown): error is ExternalSystemError =>
  error instanceof ExternalSystemError && error.retryable && !(error instanceof HostHeldBackError);

/**
 * Does the work again while it fails in a way that may pass. The work must be safe to repeat. A call that was not
 * made, because its host is held back for long, is not tried again: it has waited already.
 */
export async function withRetries<T>(
  rule: RetryRule,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
  onRetry: () => void = () => {},
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error) || attempt >= rule.retries) throw error;
      const asked = error.retryAfterMillis ?? 0;
      if (asked > rule.longestWaitMillis) throw error;
      const backoff = Math.min(rule.baseMillis * 2 ** attempt, LONGEST_BACKOFF_MILLIS);
      await pause(asked + Math.random() * backoff, signal);
      onRetry();
    }
  }
}
