import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { progressWriter } from "./progress-writer.ts";

describe("the progress of a task", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is written at most once a second, always the latest, and at the end", async () => {
    const written: [number, string][] = [];
    const start = performance.now();
    const writer = progressWriter(
      async (json) => void written.push([performance.now() - start, json]),
      () => expect.unreachable(),
    );
    for (let tick = 0; tick < 250; tick += 1) {
      writer.put(tick);
      await vi.advanceTimersByTimeAsync(10);
    }
    const moments = written.map(([at]) => at);
    expect(moments.length).toBeGreaterThanOrEqual(3);
    for (const [index, at] of moments.slice(1).entries())
      expect(at - (moments[index] ?? 0)).toBeGreaterThanOrEqual(1_000);
    writer.put("last");
    await writer.close();
    expect(written.at(-1)?.[1]).toBe('"last"');
  });

  it("that cannot be written is told, and the next one is tried again", async () => {
    const errors: unknown[] = [];
    let fails = true;
    const written: string[] = [];
    const writer = progressWriter(
      async (json) => {
        if (fails) throw new Error("no database");
        written.push(json);
      },
      (error) => errors.push(error),
    );
    writer.put(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(errors).toHaveLength(1);
    fails = false;
    writer.put(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written).toEqual(["2"]);
  });

  it("is not written any more after the end", async () => {
    const written: string[] = [];
    const writer = progressWriter(
      async (json) => void written.push(json),
      () => expect.unreachable(),
    );
    await writer.close();
    writer.put("late");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(written).toEqual([]);
  });
});
