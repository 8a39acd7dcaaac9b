import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe } from "vitest";

const CANDIDATES = ["/dev/shm", "/run", "/var/tmp"];

const deviceOf = (path: string): number | null => {
  try {
    return statSync(path).dev;
  } catch {
    return null;
  }
};

/** Declares tests that need a second file system, in which to write at `root`; in CI a missing one is a failure. */
export function otherDisk(title: string, tests: (root: string) => void): void {
  const here = deviceOf(tmpdir());
  const root = CANDIDATES.find((path) => ![null, here].includes(deviceOf(path)));
  if (root === undefined && process.env["CI"])
    throw new Error(`${title}: there is no second file system here`);
  const note = root === undefined ? " (there is no second file system here)" : "";
  describe.skipIf(root === undefined)(`${title}${note}`, () => {
    tests(root ?? "");
  });
}
