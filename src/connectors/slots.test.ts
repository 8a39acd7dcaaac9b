import { describe, expect, it } from "vitest";
import { createSlots } from "./slots.ts";

/** Lets everything run that waits for nothing but its turn. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("slots", () => {
  it("lets as many in as there are places, the others in the order they came", async () => {
    const slots = createSlots(2);
    const order: number[] = [];
    const releases: (() => void)[] = [];
    const all = [1, 2, 3, 4].map(async (number) => {
      const release = await slots.acquire(["host"]);
      order.push(number);
      releases.push(release);
    });
    await settle();
    expect(order).toEqual([1, 2]);
    releases.shift()?.();
    await settle();
    expect(order).toEqual([1, 2, 3]);
    releases.splice(0).forEach((release) => release());
    await Promise.all(all);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it("counts a key named twice once, and each key for itself", async () => {
    const slots = createSlots(1);
    const first = await slots.acquire(["a", "a"]);
    const other = await slots.acquire(["b"]);
    first();
    other();
    const both = await slots.acquire(["b", "a"]);
    both();
    expect(await slots.acquire(["a"])).toBeTypeOf("function");
  });

  it("giving a place back twice frees it once", async () => {
    const slots = createSlots(1);
    const first = await slots.acquire(["a"]);
    first();
    first();
    await slots.acquire(["a"]);
    let entered = false;
    void slots.acquire(["a"]).then(() => (entered = true));
    await settle();
    expect(entered).toBe(false);
  });

  it("an aborted wait gives back what it held and leaves the line", async () => {
    const slots = createSlots(1);
    const holder = await slots.acquire(["b"]);
    const leaving = new AbortController();
    const waiting = slots.acquire(["a", "b"], leaving.signal);
    await settle();
    leaving.abort(new Error("cancelled"));
    await expect(waiting).rejects.toThrow("cancelled");
    const free = await slots.acquire(["a"]);
    free();
    holder();
    expect(await slots.acquire(["b"])).toBeTypeOf("function");
  });

  it("refuses at once when the signal is aborted already", async () => {
    await expect(createSlots(1).acquire(["a"], AbortSignal.abort(new Error("cancelled")))).rejects.toThrow(
      "cancelled",
    );
  });
});
