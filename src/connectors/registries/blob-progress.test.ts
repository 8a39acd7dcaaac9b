import { createHash, randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { blobProgress } from "./blob-progress.ts";

const MIB = 1024 * 1024;
const CONTENT = randomBytes(20 * MIB);
const DIGEST = `sha256:${createHash("sha256").update(CONTENT).digest("hex")}`;

/** Puts the bytes from where the progress stands through the hash, in pieces. */
function read(progress: ReturnType<typeof blobProgress>, until: number): void {
  while (progress.hashed() < until)
    progress.add(CONTENT.subarray(progress.hashed(), Math.min(progress.hashed() + 300_000, until)));
}

it("goes back to the last mark before what the target kept, and ends with the right digest", () => {
  let counted = 0;
  const progress = blobProgress(CONTENT.length, (count) => (counted += count));
  read(progress, 19 * MIB);
  progress.sent(19 * MIB);
  progress.rewindTo(17 * MIB);
  expect(progress.sendFrom()).toBe(17 * MIB);
  expect(progress.hashed()).toBeGreaterThan(8 * MIB);
  expect(progress.hashed()).toBeLessThanOrEqual(17 * MIB);
  expect(counted).toBe(17 * MIB);
  read(progress, CONTENT.length);
  expect(progress.digest()).toBe(DIGEST);
});

it("goes back again and again, also to the beginning", () => {
  let counted = 0;
  const progress = blobProgress(CONTENT.length, (count) => (counted += count));
  for (const kept of [15 * MIB, 9 * MIB, 1, 0]) {
    read(progress, 18 * MIB);
    progress.sent(MIB);
    progress.rewindTo(kept);
    expect(progress.hashed()).toBeLessThanOrEqual(kept);
    expect(counted).toBe(kept);
  }
  expect(progress.furthest()).toBe(18 * MIB);
  read(progress, CONTENT.length);
  expect(progress.digest()).toBe(DIGEST);
  progress.complete();
  expect(counted).toBe(CONTENT.length);
});
