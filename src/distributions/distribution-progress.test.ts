import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyChanges, changesSince, DistributionProgress, secondsLeft } from "./distribution-progress.ts";

const hexId = (index: number): string => index.toString(16).padStart(24, "0");
const digest = (index: number): string => `sha256:${index.toString(16).padStart(64, "0")}`;

const someBlob = (index: number) =>
  fc.record({
    digest: fc.constant(digest(index)),
    sizeBytes: fc.constant(100),
    movedBytes: fc.nat({ max: 3 }),
    state: fc.constantFrom("waiting" as const, "moving" as const, "copied" as const),
  });
const someItem = (index: number) =>
  fc.record({
    id: fc.constant(hexId(index)),
    serviceName: fc.constant("api"),
    containerName: fc.constant("main"),
    pinnedDigest: fc.constantFrom(null, digest(99)),
    status: fc.constantFrom("waiting" as const, "copying" as const, "verified" as const),
    error: fc.constant(""),
    totalBytes: fc.constant(200),
    movedBytes: fc.nat({ max: 3 }),
    blobs: fc.nat({ max: 2 }).map((count) => Array.from({ length: count }, (_, at) => digest(at))),
  });
/** Images and blobs come to be known one after the other, and never go. */
const someProgress = fc.record({
  id: fc.constant(hexId(1)),
  releaseId: fc.constant(hexId(2)),
  version: fc.constant("1.0.0"),
  status: fc.constantFrom("creating" as const, "success" as const),
  error: fc.constant(""),
  attempt: fc.constant(1),
  totalBytes: fc.constant(400),
  verifiedBytes: fc.nat({ max: 3 }),
  movingBytes: fc.nat({ max: 3 }),
  bytesPerSecond: fc.constantFrom(null, 0, 7),
  secondsLeft: fc.constantFrom(null, 5),
  totalItems: fc.constant(3),
  verifiedItems: fc.nat({ max: 3 }),
  items: fc.tuple(someItem(0), someItem(1), someItem(2)),
  blobs: fc.tuple(someBlob(0), someBlob(1), someBlob(2)),
});

describe("the changes of a distribution's progress", () => {
  it("make, one after the other, the whole again", () => {
    fc.assert(
      fc.property(someProgress, fc.array(someProgress, { maxLength: 6 }), (first, later) => {
        let before: DistributionProgress = first;
        let known = applyChanges(null, first);
        for (const now of later) {
          const changes = changesSince(before, now);
          // As it goes over the wire.
          if (changes)
            known = applyChanges(known, DistributionProgress.parse(JSON.parse(JSON.stringify(changes))));
          before = now;
          expect(known).toEqual(now);
        }
      }),
    );
  });

  it("are none when nothing has changed, and only what has changed otherwise", () => {
    fc.assert(
      fc.property(someProgress, fc.nat({ max: 2 }), (progress, index) => {
        expect(changesSince(progress, structuredClone(progress))).toBeNull();
        const now: DistributionProgress = structuredClone(progress);
        const [item, blob] = [now.items[index], now.blobs[index]];
        if (!item || !blob) throw new Error("three of each");
        item.movedBytes += 1;
        blob.movedBytes += 1;
        const { blobs: _, ...withoutBlobs } = item;
        expect(changesSince(progress, now)).toEqual({ ...now, items: [withoutBlobs], blobs: [blob] });
      }),
    );
  });
});

it("tells the time left only with a rate, and never less than none", () => {
  const bytes = { totalBytes: 1000, verifiedBytes: 200, movingBytes: 100 };
  expect(secondsLeft(bytes, 100)).toBe(7);
  expect(secondsLeft(bytes, 300)).toBe(3);
  expect(secondsLeft({ ...bytes, movingBytes: 900 }, 300)).toBe(0);
  expect(secondsLeft(bytes, null)).toBeNull();
  expect(secondsLeft(bytes, 0)).toBeNull();
});
