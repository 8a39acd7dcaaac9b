import type { Usages } from "./copy-stage.ts";
import type { Figure, ScenarioReport } from "./support/report.ts";
import { ratiosOf } from "./support/statistics.ts";

/** Names of contenders, as they are printed. */
export const HEADGATE = "headgate";
export const HEADGATE_AGAIN = "headgate, project has delivered before";
export const TOGETHER = "skopeo copy, all at once";
export const TOGETHER_WARM = "skopeo copy, all at once, cache warm";
export const SYNC = "skopeo sync";
export const FLOOR = "floor: curl PUT of local files";
export const ONE = "skopeo copy";
export const PIPE = "curl GET | curl PUT";

/** A peer, and how much of its time Headgate may take at most; left out: nothing is promised. */
export interface Promised {
  /** Who is compared with the peer; HEADGATE when left out. */
  readonly ours?: string;
  readonly peer: string;
  readonly wallAtMost?: number;
  readonly cpuAtMost?: number;
}

/** Makes of what was measured the ratios that were promised. */
export function compare(
  scenario: string,
  about: string,
  usages: Usages,
  promises: readonly Promised[],
): ScenarioReport {
  return {
    scenario,
    about,
    samples: samplesOf(usages),
    figures: promises.flatMap((promised) => [
      ratio(usages, promised, "wallSeconds", promised.wallAtMost),
      ratio(usages, promised, "cpuSeconds", promised.cpuAtMost),
    ]),
  };
}

const MEASURES = { wallSeconds: "wall time", cpuSeconds: "CPU time" } as const;
type Measure = keyof typeof MEASURES;

function ratio(
  usages: Usages,
  { ours = HEADGATE, peer }: Promised,
  measure: Measure,
  atMost: number | undefined,
): Figure {
  const of = (name: string): number[] => (usages.get(name) ?? []).map((usage) => usage[measure]);
  return {
    name: `${MEASURES[measure]}: ${ours} / ${peer}`,
    value: ratiosOf(of(ours), of(peer)),
    unit: "x",
    target: atMost === undefined ? null : { atMost },
  };
}

/** Every measurement by name of who did it and of what was measured. */
function samplesOf(usages: Usages): ScenarioReport["samples"] {
  return Object.fromEntries(
    [...usages].map(([name, rounds]) => {
      const measures = Object.keys(rounds[0] ?? {});
      const values = (measure: string): number[] =>
        rounds.map((usage) => Number(Object.entries(usage).find(([one]) => one === measure)?.[1]));
      return [name, Object.fromEntries(measures.map((measure) => [measure, values(measure)]))];
    }),
  );
}
