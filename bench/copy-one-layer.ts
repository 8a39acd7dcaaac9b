import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { headgateCold, toEmptyTarget, withTarget } from "./copy-cold.ts";
import { compare, ONE, PIPE } from "./copy-compare.ts";
import { pipeBlob, skopeoTogether } from "./copy-peers.ts";
import { type Cargo, type CopyStage, takeTurns } from "./copy-stage.ts";
import { connectRegistry } from "./support/deliver.ts";
import { pushOneLayer } from "./support/one-layer.ts";
import { startRegistry } from "./support/registries.ts";
import type { ScenarioReport } from "./support/report.ts";

const MEBIBYTES = 1024;

/** An image whose one layer has 1 GiB, over http to a registry that holds nothing. */
export async function oneLayer(stage: CopyStage): Promise<ScenarioReport> {
  const mebibytes = Math.round(MEBIBYTES * stage.options.scale);
  const usages = await withOneLayer(stage, mebibytes, async (cargo) => {
    const [layer] = cargo.set.blobs;
    await connectRegistry(stage.server, cargo.source);
    return takeTurns(stage.options, [
      headgateCold(stage, cargo),
      { name: ONE, run: () => toEmptyTarget(stage, cargo, skopeoTogether) },
      { name: PIPE, run: () => withTarget(stage, cargo, (work) => pipeBlob(work, layer?.digest ?? "")) },
    ]);
  });
  const about = `one image with one layer of ${mebibytes} MiB; everything is new for each run`;
  return compare("one-layer", about, usages, [
    { peer: ONE, cpuAtMost: 0.45 },
    { peer: PIPE, wallAtMost: 1.1 },
  ]);
}

/** Lets somebody work with a registry that holds such an image, and removes it after that. */
export async function withOneLayer<Result>(
  stage: CopyStage,
  mebibytes: number,
  work: (cargo: Cargo) => Promise<Result>,
): Promise<Result> {
  const source = await startRegistry(join(await stage.freshFolder("source"), "files"));
  try {
    return await work({ source, set: await pushOneLayer(source.host, mebibytes) });
  } finally {
    await source.stop();
    await rm(dirname(source.folder), { recursive: true, force: true });
  }
}
