import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../test/support/temporary-directory.ts";
import { lastLines, readRunLog } from "./read-run-log.ts";
import { openRunLog } from "./run-log.ts";

const LIMIT = 4096;

let place: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  place = await temporaryDirectory();
});
afterEach(() => place.remove());

const line = (nth: number): string => `line ${String(nth).padStart(6, "0")}\n`;

async function sizeOnDisk(): Promise<number> {
  const names = await readdir(place.path);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(place.path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("the log of a run", () => {
  it("is whole up to its limit's first half", async () => {
    const log = openRunLog(place.path, LIMIT);
    const text = line(1).repeat(Math.floor(LIMIT / 2 / line(1).length));
    log.write(text);
    expect(await readRunLog(place.path, LIMIT)).toBe(text);
  });

  it("keeps head and tail at every length, says how much is left out, and never takes more room", async () => {
    const log = openRunLog(place.path, LIMIT);
    let whole = "";
    for (let nth = 0; nth < 1200; nth += 1) {
      log.write(line(nth));
      whole += line(nth);
      const kept = (await readRunLog(place.path, LIMIT * 2)) ?? "";
      const [head = "", tail] = kept.split(/\n\[\d+ bytes of the log were left out\]\n/);
      expect(whole.startsWith(head)).toBe(true);
      expect(whole.endsWith(tail ?? head)).toBe(true);
      const left = Number(/\n\[(\d+) bytes/.exec(kept)?.[1] ?? 0);
      expect(head.length + (tail?.length ?? 0) + left).toBe(whole.length);
      expect(await sizeOnDisk()).toBeLessThanOrEqual(LIMIT);
    }
    expect((await readRunLog(place.path, LIMIT * 2))?.startsWith(line(0))).toBe(true);
  });

  it("takes a text that is longer than all of it", async () => {
    const log = openRunLog(place.path, LIMIT);
    log.write(`first${"x".repeat(100_000)}last`);
    const kept = (await readRunLog(place.path, 200_000)) ?? "";
    expect(kept).toMatch(/^firstx+\n\[\d+ bytes of the log were left out\]\nx+last$/);
    expect(await sizeOnDisk()).toBeLessThanOrEqual(LIMIT);
  });

  it("is read from its end, and is not there where nothing was written", async () => {
    expect(await readRunLog(place.path, 100)).toBeNull();
    expect(await readRunLog(join(place.path, "nowhere"), 100)).toBeNull();
    openRunLog(place.path, LIMIT).write("one\ntwo\n");
    expect(await readRunLog(place.path, 4)).toBe("two\n");
  });
});

describe("the last lines of a log", () => {
  it("are whole lines, as many as fit", () => {
    expect(lastLines("one\ntwo\nthree\n", 9)).toBe("two\nthree");
    expect(lastLines("one\ntwo\nthree\n", 8)).toBe("three");
    expect(lastLines("one\n", 500)).toBe("one");
  });

  it("are the end of a line that is longer, without half a character", () => {
    expect(lastLines("abcdef", 3)).toBe("def");
    expect(lastLines("a😀b", 2)).toBe("\ufffdb");
  });
});
