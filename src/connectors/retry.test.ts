import { describe, expect, it } from "vitest";
import { ExternalSystemError } from "../kernel/errors.ts";
import { HostHeldBackError } from "./host-health.ts";
import { withRetries } from "./retry.ts";

const RULE = { retries: 3, baseMillis: 1, longestWaitMillis: 50 };

const failing = (facts: { retryable: boolean; retryAfterMillis?: number }) => {
  let calls = 0;
  const work = (): Promise<never> => {
    calls += 1;
    return Promise.reject(new ExternalSystemError("down", { system: "test", ...facts }));
  };
  return { work, calls: () => calls };
};

describe("retrying", () => {
  it("gives up after three repetitions of a failure that may pass", async () => {
    const { work, calls } = failing({ retryable: true });
    await expect(withRetries(RULE, undefined, work)).rejects.toThrow("down");
    expect(calls()).toBe(4);
  });

  it("returns what a repetition returns", async () => {
    const answers = [new ExternalSystemError("down", { system: "test", retryable: true }), null];
    const work = (): Promise<string> => {
      const problem = answers.shift();
      return problem ? Promise.reject(problem) : Promise.resolve("up");
    };
    expect(await withRetries(RULE, undefined, work)).toBe("up");
  });

  it("does not repeat what will not pass, nor what is not the outside's failure", async () => {
    const permanent = failing({ retryable: false });
    await expect(withRetries(RULE, undefined, permanent.work)).rejects.toThrow("down");
    expect(permanent.calls()).toBe(1);
    let calls = 0;
    const bug = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new TypeError("bug"));
    };
    await expect(withRetries(RULE, undefined, bug)).rejects.toThrow("bug");
    expect(calls).toBe(1);
  });

  it("leaves a wait longer than the limit to the caller", async () => {
    const { work, calls } = failing({ retryable: true, retryAfterMillis: 51 });
    await expect(withRetries(RULE, undefined, work)).rejects.toThrow("down");
    expect(calls()).toBe(1);
  });

  it("tells of every repetition, and makes none of a call that was held back", async () => {
    let told = 0;
    const { work } = failing({ retryable: true });
    await expect(withRetries(RULE, undefined, work, () => (told += 1))).rejects.toThrow("down");
    expect(told).toBe(3);
    let calls = 0;
    const heldBack = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new HostHeldBackError("resting", { system: "test", retryable: true }));
    };
    await expect(withRetries(RULE, undefined, heldBack)).rejects.toThrow("resting");
    expect(calls).toBe(1);
  });

  it("stops waiting when it is aborted", async () => {
    const { work, calls } = failing({ retryable: true, retryAfterMillis: 50_000 });
    const controller = new AbortController();
    const running = withRetries({ ...RULE, longestWaitMillis: 60_000 }, controller.signal, work);
    setImmediate(() => controller.abort(new Error("cancelled")));
    await expect(running).rejects.toThrow("cancelled");
    expect(calls()).toBe(1);
  });
});
