import { writeFile } from "node:fs/promises";
import type { Surroundings } from "./parts.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** One figure that was promised, and what was measured. */
export interface Figure {
  /** What is compared with what, such as `wall time / skopeo sync`. */
  readonly name: string;
  readonly value: Spread;
  /** Written behind the value: `x` of a ratio, or a unit. */
  readonly unit: string;
  /** Null: shown for orientation, nothing is promised. */
  readonly target: { readonly atMost: number } | { readonly atLeast: number } | null;
}

/** A scenario that was run. */
export interface ScenarioReport {
  readonly scenario: string;
  /** What was done, in a line or two. */
  readonly about: string;
  /** Name of who did it → name of what was measured → every measurement, in the order of the rounds. */
  readonly samples: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  readonly figures: readonly Figure[];
}

/** True when the median is where it was promised to be, and when nothing was. */
export function isMet({ value, target }: Figure): boolean {
  if (target === null) return true;
  return "atMost" in target ? value.median <= target.atMost : value.median >= target.atLeast;
}

/** Prints rows under a heading, each column as wide as it must be; the first is flush left. */
export function printTable(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of [heading, ...rows]) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(`  ${cells.join("   ")}`.trimEnd());
  }
}

/** A number with the digits that mean something: 0.043, 1.71, 24.8, 1234. */
export const shown = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) < 0.1 ? 3 : 2);

/** `0.42 (0.40–0.47)`, or the one value when there is only one. */
export const shownSpread = ({ median, least, most }: Spread, unit = ""): string =>
  least === most ? `${shown(median)}${unit}` : `${shown(median)}${unit} (${shown(least)}–${shown(most)})`;

/** Prints a scenario: what each took, then the figures against their targets. */
export function printScenario({ scenario, about, samples, figures }: ScenarioReport): void {
  console.log(`\n${scenario}: ${about}`);
  printSamples(samples);
  printFigures(figures);
}

/** Prints medians, each with the least and the most of its rounds. */
export function printSamples(samples: ScenarioReport["samples"]): void {
  const measures = [...new Set(Object.values(samples).flatMap((measured) => Object.keys(measured)))];
  printTable(
    ["", ...measures],
    Object.entries(samples).map(([name, measured]) => [
      name,
      ...measures.map((measure) => {
        const values = measured[measure];
        return values === undefined ? "" : shownSpread(spreadOf(values));
      }),
    ]),
  );
}

export function printFigures(figures: readonly Figure[]): void {
  printTable(
    ["figure", "median (least–most)", "target", ""],
    figures.map((figure) => {
      const { name, value, unit, target } = figure;
      if (target === null) return [name, shownSpread(value, unit), "–", ""];
      const bound = "atMost" in target ? `≤ ${shown(target.atMost)}` : `≥ ${shown(target.atLeast)}`;
      return [name, shownSpread(value, unit), `${bound}${unit}`, isMet(figure) ? "met" : "MISSED"];
    }),
  );
}

/** Prints the names and versions that figures depend on. */
export function printSurroundings(surroundings: Surroundings): void {
  for (const [name, value] of Object.entries(surroundings)) console.log(`${name.padEnd(16)} ${value}`);
}

/** Writes everything that was measured to a file. */
export const writeJson = (
  path: string,
  surroundings: Surroundings,
  scenarios: readonly ScenarioReport[],
): Promise<void> => writeFile(path, `${JSON.stringify({ surroundings, scenarios }, null, 2)}\n`);
