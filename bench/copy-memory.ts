import { setTimeout as sleep } from "node:timers/promises";
import { headgateCold } from "./copy-cold.ts";
import { HEADGATE } from "./copy-compare.ts";
import { withOneLayer } from "./copy-one-layer.ts";
import { type Cargo, type CopyStage, takeTurns } from "./copy-stage.ts";
import { connectRegistry } from "./support/deliver.ts";
import { describeSet } from "./support/image-set.ts";
import { memoryOf } from "./support/process-usage.ts";
import type { Figure, ScenarioReport } from "./support/report.ts";
import { spreadOf } from "./support/statistics.ts";

/** After its start a server settles: compiled code and the first collections are over. */
const SETTLE_MILLIS = 10_000;
const LAYER_MEBIBYTES = 4096;

/** What a server holds in memory at rest, and at most while it delivers the ten images again and again. */
export async function memory(stage: CopyStage): Promise<ScenarioReport> {
  const cargo = await stage.tenImages();
  const { idle, peak } = await memoryWhile(stage, cargo, stage.options.runs);
  return {
    scenario: "memory",
    about: `a server of its own, ${SETTLE_MILLIS / 1000} s after its start, then its peak over ${stage.options.runs} cold deliveries of ${describeSet(cargo.set)}`,
    samples: { [HEADGATE]: { idleMegabytes: [idle], peakMegabytes: [peak] } },
    figures: [atMost("resident, idle", idle, 150), atMost("resident, peak while copying", peak, 250)],
  };
}

/** What a server holds in memory at most while it copies one very large layer; takes 9 GiB of disk. */
export async function memoryOfLargeLayer(stage: CopyStage): Promise<ScenarioReport> {
  const mebibytes = Math.round(LAYER_MEBIBYTES * stage.options.scale);
  const { peak } = await withOneLayer(stage, mebibytes, (cargo) => memoryWhile(stage, cargo, 1));
  return {
    scenario: "memory-4g",
    about: `a server of its own, its peak over one cold delivery of a layer of ${mebibytes} MiB`,
    samples: { [HEADGATE]: { peakMegabytes: [peak] } },
    figures: [atMost("resident, peak while copying one layer", peak, 250)],
  };
}

/** In megabytes of 10^6 bytes. The peak is the kernel's, since the start of the process. */
async function memoryWhile(
  stage: CopyStage,
  cargo: Cargo,
  runs: number,
): Promise<{ readonly idle: number; readonly peak: number }> {
  const server = await stage.startServer();
  try {
    await sleep(SETTLE_MILLIS);
    const idle = memoryOf(server.pid).now;
    await connectRegistry(server, cargo.source);
    const rounds = { ...stage.options, warmUps: 0, runs };
    await takeTurns(rounds, [headgateCold({ ...stage, server }, cargo)]);
    return { idle, peak: memoryOf(server.pid).peak };
  } finally {
    await server.stop();
  }
}

const atMost = (name: string, megabytes: number, most: number): Figure => ({
  name,
  value: spreadOf([megabytes]),
  unit: " MB",
  target: { atMost: most },
});
