import { describe, expect, it } from "vitest";
import { transferRate } from "./transfer-rate.ts";

/** Notes these totals, one a second; the rate after each. */
function ratesOf(totals: readonly number[]): (number | null)[] {
  let millis = 0;
  const rate = transferRate(() => millis);
  return totals.map((total) => {
    rate.note(total);
    millis += 1000;
    return rate.bytesPerSecond();
  });
}

describe("the rate of a transfer", () => {
  it("is not told before two seconds have passed", () => {
    expect(ratesOf([0, 1000, 2000])).toEqual([null, null, 1000]);
  });

  it("is the mean of the last five seconds, so that a burst neither shows alone nor for ever", () => {
    expect(ratesOf([0, 100, 200, 300, 400, 5500, 5600, 5700, 5800, 5900, 6000]).slice(4)).toEqual([
      100, 1100, 1100, 1100, 1100, 1100, 100,
    ]);
  });

  it("is 0 only when nothing came for the whole time", () => {
    expect(ratesOf([0, 9000, 9000, 9000, 9000, 9000, 9000])).toEqual([null, null, 4500, 3000, 2250, 1800, 0]);
    expect(ratesOf([0, 0, 0, 0, 0])).toEqual([null, null, null, null, 0]);
  });

  it("does not count a pause of which nobody took notes, nor bytes that come once more as less than none", () => {
    let millis = 0;
    const rate = transferRate(() => millis);
    rate.note(5000);
    millis = 60_000;
    rate.note(5000);
    expect(rate.bytesPerSecond()).toBeNull();
    millis = 64_000;
    rate.note(1000);
    expect(rate.bytesPerSecond()).toBe(0);
  });
});
