import { expect, it } from "vitest";
import { giveBackMemory } from "./give-back-memory.ts";

/** Keeps what it makes until it returns, so that the heap has to grow. */
function growHeap(): number {
  const kept = Array.from({ length: 400_000 }, (_, at) => ({ at, text: `number ${at}` }));
  return kept.length;
}

it("lets the system have what the heap grew by", async () => {
  await giveBackMemory();
  const before = process.memoryUsage().heapTotal;
  growHeap();
  const grown = process.memoryUsage().heapTotal;
  expect(grown - before).toBeGreaterThan(10_000_000);
  await giveBackMemory();
  expect(process.memoryUsage().heapTotal - before).toBeLessThan((grown - before) / 4);
});

it("leaves no way to collect behind", async () => {
  await giveBackMemory();
  expect(globalThis).not.toHaveProperty("gc");
});
