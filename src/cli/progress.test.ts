import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { DistributionReply } from "../api/contract/releases.ts";
import { drawnView, plainView } from "./progress.ts";

const digest = `sha256:${"a1".repeat(32)}`;
const item: DistributionReply["items"][number] = {
  id: "0".repeat(24),
  serviceName: "api",
  containerName: "main",
  imageName: "api",
  sourceImage: "build.example/api:1",
  sourceTag: "1",
  targetImage: "prod.example/api:1",
  targetTag: "1",
  push: true,
  pinnedDigest: null,
  pinnedAt: null,
  pinProblem: null,
  pinnedReference: null,
  totalBytes: 0,
  movedBytes: 0,
  blobs: [],
  status: "waiting",
  error: "",
  verifiedDigest: null,
  referrers: [],
};
const start: DistributionReply = {
  id: "1".repeat(24),
  releaseId: "2".repeat(24),
  project: "shop",
  version: "1.0.0",
  status: "creating",
  error: "",
  attempt: 1,
  totalBytes: 0,
  verifiedBytes: 0,
  movingBytes: 0,
  bytesPerSecond: null,
  secondsLeft: null,
  blobs: [],
  totalItems: 1,
  verifiedItems: 0,
  createdAt: new Date(0),
  endedAt: null,
  items: [item],
};
const at = (verifiedBytes: number, change: Partial<typeof item>): DistributionReply => ({
  ...start,
  totalBytes: 2048,
  verifiedBytes,
  items: [{ ...item, pinnedDigest: digest, ...change }],
});

describe("progress in a pipe", () => {
  it("says each thing once, when it happens", () => {
    const said: string[] = [];
    const view = plainView((line) => said.push(line));
    view.show(start);
    for (const bytes of [0, 100, 600, 600, 1024]) view.show(at(bytes, { status: "copying" }));
    view.show(at(2048, { status: "verified" }));
    view.show(at(2048, { status: "verified" }));
    expect(said).toEqual([
      "creating: 0 of 1 images",
      "api/main: copying sha256:a1a1a1a1a1a1",
      "29 % of 2.0 KiB",
      "50 % of 2.0 KiB",
      "api/main: verified sha256:a1a1a1a1a1a1",
      "100 % of 2.0 KiB",
    ]);
  });

  it("shows why an image failed, without letting a registry's words move the cursor", () => {
    const said: string[] = [];
    plainView((line) => said.push(line)).show(at(0, { status: "failed", error: "DENIED: no\u001b[2J\nway" }));
    expect(said.slice(1)).toEqual(["api/main: failed sha256:a1a1a1a1a1a1: DENIED: no [2J way"]);
  });
});

describe("progress on a terminal", () => {
  const blob = (name: string, movedBytes: number): DistributionReply["blobs"][number] => ({
    digest: `sha256:${name.repeat(64)}`,
    sizeBytes: 2048,
    movedBytes,
    state: movedBytes === 0 ? "waiting" : "moving",
  });
  const drawnLines = (room: { columns: number; rows: number }, ...shown: DistributionReply[]): string[] => {
    const written: string[] = [];
    const view = drawnView(
      (text) => written.push(text),
      () => room,
    );
    for (const distribution of shown) view.show(distribution);
    return stripVTControlCharacters(written.at(-1) ?? "")
      .trimEnd()
      .split("\n");
  };
  const images = (count: number, change: (index: number) => Partial<typeof item>): typeof start => ({
    ...at(0, {}),
    items: Array.from({ length: count }, (_, index) => ({
      ...item,
      id: String(index).padStart(24, "0"),
      serviceName: `s${index}`,
      ...change(index),
    })),
  });

  it("draws a bar and a line for each image over the last drawing, never wider than the terminal", () => {
    const written: string[] = [];
    const view = drawnView(
      (text) => written.push(text),
      () => ({ columns: 60, rows: 24 }),
    );
    view.show(start);
    view.show({ ...at(1024, {}), movingBytes: 512 });
    view.show(
      at(1024, {
        status: "failed",
        error: "a reason that is far too long for such a narrow terminal window",
      }),
    );
    expect(written[0]?.startsWith("\u001b[")).toBe(false);
    expect(stripVTControlCharacters(written[1] ?? "")).toMatch(/^█{18}░{6} {2}75 % {2}1\.5 KiB of 2\.0 KiB/);
    expect(written[2]?.startsWith("\u001b[2A\u001b[0J")).toBe(true);
    const lines = written.map(stripVTControlCharacters).join("").trimEnd().split("\n");
    expect(lines[4]).toMatch(/^█{12}░{12} {2}50 % {2}1\.0 KiB of 2\.0 KiB/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
  });

  it("says how fast it goes and how long it takes, that it has stalled, and nothing while it cannot tell", () => {
    const bar = (change: Partial<DistributionReply>): string =>
      drawnLines({ columns: 120, rows: 24 }, { ...at(1024, {}), ...change })[0] ?? "";
    expect(bar({ bytesPerSecond: 1536, secondsLeft: 125 })).toMatch(
      /1\.0 KiB of 2\.0 KiB, 1\.5 KiB\/s, 2 min 5 s left, 0 of 1 images, creating$/,
    );
    expect(bar({ bytesPerSecond: 0 })).toMatch(/of 2\.0 KiB, stalled, 0 of 1 images/);
    expect(bar({})).toMatch(/of 2\.0 KiB, 0 of 1 images/);
  });

  it("shows the layers in motion below an image that waits for them, each once", () => {
    const [moving, waiting] = [blob("a", 512), blob("b", 0)];
    const blobs = [moving.digest, waiting.digest];
    const sharing = images(2, () => ({ status: "copying", totalBytes: 4096, movedBytes: 512, blobs }));
    expect(drawnLines({ columns: 80, rows: 24 }, { ...sharing, blobs: [moving, waiting] }).slice(1)).toEqual([
      "  s0/main  copying, 512 B of 4.0 KiB",
      "    sha256:aaaaaaaaaaaa  512 B of 2.0 KiB",
      "  s1/main  copying, 512 B of 4.0 KiB",
    ]);
  });

  it("is never higher than the terminal, and keeps what is in motion", () => {
    const many = images(30, (index) => ({ status: index === 17 ? "copying" : "verified" }));
    const shown = drawnLines({ columns: 80, rows: 10 }, many, {
      ...many,
      items: many.items.map((one) => ({ ...one, blobs: [blob("c", 9).digest] })),
      blobs: [blob("c", 9)],
    });
    expect(shown).toHaveLength(9);
    expect(shown.join("\n")).toMatch(/s17\/main {2,}copying/);
    expect(shown.at(-1)).toBe("  … and 23 more");
    const few = images(4, () => ({ status: "copying", blobs: [blob("c", 9).digest, blob("d", 9).digest] }));
    expect(
      drawnLines({ columns: 80, rows: 7 }, { ...few, blobs: [blob("c", 9), blob("d", 9)] }),
    ).toHaveLength(6);
  });
});
