import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Side, watchForStalls } from "./stall-watch.ts";

describe("a watch for stalls", () => {
  const stalls: Side[] = [];
  let side: Side = "source";

  beforeEach(() => {
    vi.useFakeTimers();
    stalls.length = 0;
    side = "source";
  });
  afterEach(() => vi.useRealTimers());

  const start = () =>
    watchForStalls(
      1000,
      () => side,
      (stalled) => void stalls.push(stalled),
    );

  it("tells of a side that moves next to nothing for a whole interval", () => {
    const watch = start();
    vi.advanceTimersByTime(1000);
    watch.moved(100);
    expect(stalls).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(stalls).toEqual(["source"]);
    watch.stop();
  });

  it("is quiet while bytes move", () => {
    const watch = start();
    for (let round = 0; round < 10; round += 1) {
      watch.moved(20_000);
      vi.advanceTimersByTime(1000);
    }
    expect(stalls).toEqual([]);
    watch.stop();
  });

  it("is not deceived by two sides that are waited for in turn", () => {
    const watch = start();
    vi.advanceTimersByTime(1000);
    side = "target";
    vi.advanceTimersByTime(1000);
    expect(stalls).toEqual(["target"]);
    watch.stop();
  });
});
