import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openPlace } from "./lists-place.ts";
import { makeManyReleases, PROJECT_KEY } from "../test/support/many-releases.ts";
import { ListReleases } from "../src/api/contract/releases.ts";
import { type BuiltServer, startBuiltServer } from "./support/built-server.ts";
import { surroundingsWith } from "./support/parts.ts";
import { cpuSecondsOf, memoryOf } from "./support/process-usage.ts";
import { printScenario, printSurroundings, type ScenarioReport, writeJson } from "./support/report.ts";
import { spreadOf } from "./support/statistics.ts";

/*
 * What a start costs: from spawning the process to the first 200 of /readyz, on a database that is there. Then what
 * a server holds in memory that nobody uses, and one that is used a little.
 */

const { values } = parseArgs({
  options: {
    releases: { type: "string", default: "10000" },
    rounds: { type: "string", default: "10" },
    "settle-seconds": { type: "string", default: "10" },
    "use-seconds": { type: "string", default: "60" },
    json: { type: "string" },
  },
});
const OURS = "Headgate";

interface Start {
  readonly server: BuiltServer;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

async function start(folder: string): Promise<Start> {
  const begunAt = performance.now();
  const server = await startBuiltServer({ folder });
  const answer = await fetch(`${server.url}/readyz`);
  const wallSeconds = (performance.now() - begunAt) / 1000;
  if (answer.status !== 200) throw new Error(`/readyz answered ${answer.status} after the start`);
  return { server, wallSeconds, cpuSeconds: cpuSecondsOf(server.pid) };
}

/** Starts on the database again and again; the first one, which fills caches of disk and compiler, does not count. */
async function starts(folder: string): Promise<ScenarioReport> {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = -1; round < Number(values.rounds); round += 1) {
    const { server, wallSeconds, cpuSeconds } = await start(folder);
    await server.stop();
    if (round < 0) continue;
    wall.push(wallSeconds);
    cpu.push(cpuSeconds);
  }
  return {
    scenario: "start",
    about: `the built program on an embedded database of ${values.releases} releases, from spawning to the first 200`,
    samples: { [OURS]: { wallSeconds: wall, cpuSeconds: cpu } },
    figures: [{ name: "start", value: spreadOf(wall), unit: " s", target: { atMost: 1 } }],
  };
}

async function memory(folder: string): Promise<ScenarioReport> {
  const { server } = await start(folder);
  try {
    await sleep(Number(values["settle-seconds"]) * 1000);
    const idle = memoryOf(server.pid).now;
    const until = performance.now() + Number(values["use-seconds"]) * 1000;
    while (performance.now() < until) {
      await server.client.call(ListReleases, { params: { project: PROJECT_KEY }, query: { limit: 20 } });
      await sleep(500);
    }
    const used = memoryOf(server.pid).now;
    const atMost150 = { unit: " MB", target: { atMost: 150 } };
    return {
      scenario: "memory-idle",
      about: `resident ${values["settle-seconds"]} s after the start, and after ${values["use-seconds"]} s of two lists a second`,
      samples: { [OURS]: { idleMegabytes: [idle], usedMegabytes: [used] } },
      figures: [
        { name: "resident, idle", value: spreadOf([idle]), ...atMost150 },
        { name: "resident, used a little", value: spreadOf([used]), unit: " MB", target: null },
      ],
    };
  } finally {
    await server.stop();
  }
}

const surroundings = surroundingsWith([]);
printSurroundings(surroundings);
const folder = await mkdtemp(join(tmpdir(), "headgate-start-"));
try {
  await makeManyReleases((await openPlace("SQLite", folder)).options, Number(values.releases));
  const reports: ScenarioReport[] = [];
  for (const scenario of [starts, memory]) {
    const report = await scenario(folder);
    printScenario(report);
    reports.push(report);
  }
  if (values.json) await writeJson(values.json, surroundings, reports);
} finally {
  await rm(folder, { recursive: true, force: true });
}
