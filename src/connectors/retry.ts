import { setTimeout as sleep } from "node:timers/promises";
import { ExternalSystemError } from "../kernel/errors.ts";

/** How often and how patiently a failed call is made again. */
export interface RetryRule {
  /** Besides the first try. */
  readonly retries: number;
  /** The first wait, in milliseconds; it doubles each time, with jitter. */
  readonly baseMillis: number;
  /** A system that asks for a longer wait than this is left to the caller. */
  readonly longestWaitMillis: number;
}

export const RETRY_RULE: RetryRule = { retries: 3, baseMillis: 250, longestWaitMillis: 60_000 };

const isRetryable = (error: unknown): error is ExternalSystemError =>
  error instanceof ExternalSystemError && error.retryable;

async function wait(millis: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(millis, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

/** Does the work again while it fails in a way that may pass. The work must be safe to repeat. */
export async function withRetries<T>(
  rule: RetryRule,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error) || attempt >= rule.retries) throw error;
      const backoff = rule.baseMillis * 2 ** attempt * (0.5 + Math.random() / 2);
      const millis = error.retryAfterMillis ?? backoff;
      if (millis > rule.longestWaitMillis) throw error;
      await wait(millis, signal);
    }
  }
}
