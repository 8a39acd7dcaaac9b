import { parseArgs } from "node:util";
import { join } from "node:path";
import { floorCold, headgateCold, skopeoSyncCold, skopeoTogetherCold } from "./copy-cold.ts";
import { compare, FLOOR, SYNC, TOGETHER } from "./copy-compare.ts";
import { type CopyOptions, type CopyStage, openStage, takeTurns } from "./copy-stage.ts";
import { connectRegistry } from "./support/deliver.ts";
import { describeSet, pushTenImages } from "./support/image-set.ts";
import { surroundingsWith } from "./support/parts.ts";
import { startRegistry } from "./support/registries.ts";
import {
  printFigures,
  printSamples,
  printSurroundings,
  type ScenarioReport,
  writeJson,
} from "./support/report.ts";

async function httpCold(stage: CopyStage): Promise<ScenarioReport> {
  const source = await startRegistry(join(await stage.freshFolder("source"), "files"));
  const set = await pushTenImages(source.host, stage.options.scale);
  await connectRegistry(stage.server, source);
  const start = { stage, set, source };
  const usages = await takeTurns(stage, [
    headgateCold(start),
    skopeoTogetherCold(start),
    skopeoSyncCold(start),
    floorCold(start),
  ]);
  await source.stop();
  return compare("http-cold", `${describeSet(set)}; http`, usages, [
    { peer: TOGETHER, wallAtMost: 0.45, cpuAtMost: 0.25 },
    { peer: SYNC, wallAtMost: 0.65, cpuAtMost: 0.45 },
    { peer: FLOOR, wallAtMost: 1.1 },
  ]);
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    runs: { type: "string", default: "5" },
    "warm-ups": { type: "string", default: "1" },
    scale: { type: "string", default: "1" },
    json: { type: "string" },
    keep: { type: "boolean", default: false },
    "node-flag": { type: "string", multiple: true, default: [] },
  },
});
const options: CopyOptions = {
  runs: Number(values.runs),
  warmUps: Number(values["warm-ups"]),
  scale: Number(values.scale),
  keep: values.keep,
  nodeFlags: values["node-flag"],
};
const surroundings = surroundingsWith(["bash", "curl", "docker-registry", "skopeo"]);
printSurroundings(surroundings);
const stage = await openStage(options);
try {
  const report = await httpCold(stage);
  console.log(`\n${report.scenario}: ${report.about}`);
  printSamples(report.samples);
  printFigures(report.figures);
  if (values.json) await writeJson(values.json, surroundings, [report]);
} finally {
  await stage.close();
}
