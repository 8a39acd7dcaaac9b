import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { paced } from "./paced.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const counted = () => {
  const effect = vi.fn<() => void>();
  return { effect, ask: paced(effect, { waitMillis: 5, gapMillis: 25 }) };
};

it("comes about once for all that ask while it is due", () => {
  const { effect, ask } = counted();
  ask();
  ask();
  vi.advanceTimersByTime(4);
  expect(effect).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(effect).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(1_000);
  expect(effect).toHaveBeenCalledOnce();
});

it("keeps its gap while it goes on being asked for, and does not forget who asked last", () => {
  const { effect, ask } = counted();
  for (let millis = 0; millis < 100; millis += 1) {
    ask();
    vi.advanceTimersByTime(1);
  }
  // At 5, 30, 55 and 80 ms; the last who asked is served at 105.
  expect(effect).toHaveBeenCalledTimes(4);
  vi.advanceTimersByTime(25);
  expect(effect).toHaveBeenCalledTimes(5);
});

it("does not wait for the gap after a pause", () => {
  const { effect, ask } = counted();
  ask();
  vi.advanceTimersByTime(100);
  ask();
  vi.advanceTimersByTime(5);
  expect(effect).toHaveBeenCalledTimes(2);
});
