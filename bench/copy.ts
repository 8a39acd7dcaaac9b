import { parseArgs } from "node:util";
import { httpCold, tlsCold } from "./copy-cold.ts";
import { alreadyThere, promotion } from "./copy-known.ts";
import { memory, memoryOfLargeLayer } from "./copy-memory.ts";
import { oneLayer } from "./copy-one-layer.ts";
import { type CopyStage, openStage } from "./copy-stage.ts";
import { surroundingsWith } from "./support/parts.ts";
import { printScenario, printSurroundings, type ScenarioReport, writeJson } from "./support/report.ts";

/*
 * Copies by the built program against skopeo and curl, between real registries, in turn with its peers.
 * `npm run bench:copy -- --help` says how; docs/benchmarks.md says what is measured and why so.
 */

type Scenario = (stage: CopyStage) => Promise<ScenarioReport>;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "http-cold": httpCold,
  "tls-cold": tlsCold,
  "already-there": alreadyThere,
  promotion,
  "one-layer": oneLayer,
  memory,
};
/** Run when they are named. */
const ON_REQUEST: Readonly<Record<string, Scenario>> = { "memory-4g": memoryOfLargeLayer };

const HELP = `npm run bench:copy -- [options]

  --only <names>      some scenarios, with commas between them: ${Object.keys(SCENARIOS).join(", ")};
                      only when named: ${Object.keys(ON_REQUEST).join(", ")} (9 GiB of disk)
  --runs <n>          rounds that count (5)
  --warm-ups <n>      rounds before them (1)
  --json <file>       write every measurement
  --scale <factor>    smaller layers, to try a scenario out; never for figures (1)
  --keep              leave the temporary folder there
  --node-flag <flag>  for the server's Node, such as --cpu-prof; may be repeated
`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: Object.keys(SCENARIOS).join() },
      runs: { type: "string", default: "5" },
      "warm-ups": { type: "string", default: "1" },
      scale: { type: "string", default: "1" },
      json: { type: "string" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      "node-flag": { type: "string", multiple: true, default: [] },
    },
  });
  return {
    ...values,
    scenarios: values.only.split(",").map(scenarioNamed),
    copy: {
      runs: Math.max(1, Number(values.runs)),
      warmUps: Number(values["warm-ups"]),
      scale: Number(values.scale),
      keep: values.keep,
      nodeFlags: values["node-flag"],
    },
  };
}

function scenarioNamed(name: string): Scenario {
  const scenario = SCENARIOS[name] ?? ON_REQUEST[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}\n\n${HELP}`);
  return scenario;
}

async function run(): Promise<void> {
  const { help, json, scenarios, copy } = readOptions();
  if (help) return console.log(HELP);
  const surroundings = surroundingsWith(["bash", "curl", "docker-registry", "skopeo"]);
  printSurroundings(surroundings);
  if (copy.scale !== 1) console.log("The layers are not of their full size: these are no figures.");
  const stage = await openStage(copy);
  try {
    const reports: ScenarioReport[] = [];
    for (const scenario of scenarios) {
      const report = await scenario(stage);
      printScenario(report);
      reports.push(report);
      // After each scenario, so that an interruption costs only what was not measured yet.
      if (json !== undefined) await writeJson(json, surroundings, reports);
    }
  } finally {
    await stage.close();
  }
}

// What was started and written goes with the process, also after Ctrl-C and in the middle of a scenario.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
