import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseCopyReport, readMovingBytes, trackMovingBytes } from "./moving-bytes.ts";

describe("the bytes on their way", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A task that keeps what it is told. */
  const listen = () => {
    const told: unknown[] = [];
    return { told, moving: trackMovingBytes({ progress: (value) => void told.push(value) }) };
  };

  it("are told once a second, however many pieces they come in, and only while some move", async () => {
    const { told, moving } = listen();
    const idle = { movingBytes: 0, bytesPerSecond: null, blobs: {} };
    expect(told).toEqual([idle]);
    for (let piece = 0; piece < 3000; piece += 1) {
      moving.add(piece % 2 === 0 ? "a" : "b", 10);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(told.slice(1)).toEqual([
      { movingBytes: 10_000, bytesPerSecond: null, blobs: { a: 5000, b: 5000 } },
      { movingBytes: 20_000, bytesPerSecond: 10_000, blobs: { a: 10_000, b: 10_000 } },
      { movingBytes: 30_000, bytesPerSecond: 10_000, blobs: { a: 15_000, b: 15_000 } },
    ]);
    moving.reset("a");
    expect(told).toHaveLength(4);
    moving.reset("b");
    expect(told.slice(4)).toEqual([idle]);
    moving.reset("b");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toHaveLength(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("begin anew when a broken transfer does, and are a rate of 0 when nothing comes any more", async () => {
    const { told, moving } = listen();
    moving.add("a", 5000);
    moving.add("a", -9000);
    moving.add("a", 700);
    await vi.advanceTimersByTimeAsync(1000);
    expect(told.at(-1)).toEqual({ movingBytes: 700, bytesPerSecond: null, blobs: { a: 700 } });
    await vi.advanceTimersByTimeAsync(7000);
    expect(told.at(-1)).toEqual({ movingBytes: 700, bytesPerSecond: 0, blobs: { a: 700 } });
  });

  it("are none where a task has said nothing, or what an older version said", () => {
    expect(parseCopyReport(null)).toEqual({ movingBytes: 0, bytesPerSecond: null, blobs: {} });
    expect(parseCopyReport('{"movingBytes":7}')).toEqual({ movingBytes: 7, bytesPerSecond: null, blobs: {} });
    expect(readMovingBytes({ movingBytes: "seven" })).toBe(0);
  });
});
