import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExternalSystemError } from "../kernel/errors.ts";
import { createHostHealth } from "./host-health.ts";
import { RETRY_RULE, withRetries } from "./retry.ts";

const ORIGIN = new URL("https://a.example.com/");

describe("an outage of a host", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** So many callers at once, while the host is away for so long; every call takes 20 ms. */
  const run = async (callers: number, awayMillis: number, watchMillis: number) => {
    const health = createHostHealth();
    const backAt = performance.now() + awayMillis;
    let calls = 0;
    const call = async (): Promise<string> => {
      const admission = await health.admit({ url: ORIGIN, system: "test" });
      calls += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      const down = new ExternalSystemError("connection refused", { system: "test", retryable: true });
      if (performance.now() >= backAt) admission.answered({ status: 200, header: () => null });
      else {
        admission.failed(down);
        throw down;
      }
      return "done";
    };
    const all = Promise.allSettled(
      Array.from({ length: callers }, () => withRetries(RETRY_RULE, undefined, call)),
    );
    await vi.advanceTimersByTimeAsync(watchMillis);
    const outcomes = await all;
    return { done: outcomes.filter(({ status }) => status === "fulfilled").length, calls };
  };

  it.for([
    [1, 5_000],
    [1, 10_000],
    [6, 5_000],
    [6, 10_000],
    [60, 10_000],
  ] as const)("%i callers outlive one of a few seconds (%i ms)", async ([callers, awayMillis]) => {
    expect((await run(callers, awayMillis, 60_000)).done).toBe(callers);
  });

  it("that lasts is not waited for, nor is the host flooded", async () => {
    const { done, calls } = await run(100, 600_000, 120_000);
    expect(done).toBe(0);
    expect(calls).toBeLessThan(700);
  });
});
