import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DomainError, ExternalSystemError } from "../kernel/errors.ts";
import { backoffMillis } from "./backoff.ts";
import { retryDelayMillis } from "./retry.ts";

const outside = (retryable: boolean, retryAfterMillis: number | null = null) =>
  new ExternalSystemError("503 from the registry", { system: "registry.test", retryable, retryAfterMillis });
const first = { attempt: 1, maxAttempts: 3 };

describe("the wait after a failure", () => {
  it("is never longer than 5 minutes, nor than the doubled steps from one second", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const millis = backoffMillis(failures, () => random);
          expect(Number.isInteger(millis)).toBe(true);
          expect(millis).toBeGreaterThanOrEqual(0);
          expect(millis).toBeLessThan(Math.min(300_000, 1_000 * 2 ** (failures - 1)));
        },
      ),
    );
  });

  it("is jittered over its whole range", () => {
    expect(backoffMillis(3, () => 0)).toBe(0);
    expect(backoffMillis(3, () => 0.5)).toBe(2_000);
    expect(backoffMillis(30, () => 0.5)).toBe(150_000);
  });
});

describe("a failed run", () => {
  it("is repeated after an unforeseen error", () => {
    expect(retryDelayMillis(new Error("surprise"), first, () => 0.5)).toBe(500);
    expect(retryDelayMillis("not even an error", first, () => 0.5)).toBe(500);
  });

  it("is not repeated when the domain refused or the outside will not change its mind", () => {
    expect(retryDelayMillis(new DomainError("FORBIDDEN"), first)).toBeNull();
    expect(retryDelayMillis(outside(false), first)).toBeNull();
  });

  it("waits at least as long as the outside asked, but asks again within the hour", () => {
    expect(retryDelayMillis(outside(true), first, () => 0.5)).toBe(500);
    expect(retryDelayMillis(outside(true, 20_000), first, () => 0.5)).toBe(20_500);
    expect(retryDelayMillis(outside(true, 10 ** 12), first, () => 0)).toBe(3_600_000);
  });

  it("is not repeated after the last attempt", () => {
    expect(retryDelayMillis(outside(true), { attempt: 2, maxAttempts: 3 })).not.toBeNull();
    expect(retryDelayMillis(outside(true), { attempt: 3, maxAttempts: 3 })).toBeNull();
  });
});
