import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "vitest";

const onPath = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/**
 * Declares tests that need these programs. Where one is missing they count as skipped and its name stands in
 * the title; in CI that is a failure.
 */
export function describeWith(programs: readonly string[], title: string, tests: () => void): void {
  const missing = programs.filter((program) => !onPath(program));
  if (missing.length > 0 && process.env["CI"]) {
    throw new Error(`${title}: not installed here: ${missing.join(", ")}`);
  }
  const note = missing.length > 0 ? ` (not installed here: ${missing.join(", ")})` : "";
  describe.skipIf(missing.length > 0)(`${title}${note}`, () => {
    tests();
  });
}
