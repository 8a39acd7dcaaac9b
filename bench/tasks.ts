import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "../test/support/postgres-server.ts";
import { openTaskStage, type TaskStage } from "./tasks-stage.ts";
import type { WorkerStart } from "./tasks-worker.ts";
import { surroundingsWith } from "./support/parts.ts";
import {
  type Figure,
  printScenario,
  printSurroundings,
  type ScenarioReport,
  writeJson,
} from "./support/report.ts";
import { spreadOf } from "./support/statistics.ts";

/*
 * How late tasks begin that are due in the same second: each worker is a process of its own, the database is durable.
 * `npm run bench:tasks -- [--tasks 10000] [--rounds 3] [--concurrency 200] [--only sqlite,postgres] [--json file]`
 */

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
    /** Of the kind, in each process. It bounds how many tasks one claim takes. */
    concurrency: { type: "string", default: "200" },
    only: { type: "string", default: "sqlite,postgres" },
    json: { type: "string" },
  },
});
const tasks = Number(values.tasks);
const SINGLES = 20;
/** Asking for a task costs well under this; the first is due when all have been asked for. */
const MILLIS_TO_ASK = 1.2;

interface Engine {
  readonly name: string;
  readonly workers: number;
  /** Of the task that is later than 99 of 100, in milliseconds. */
  readonly atMost: number;
  readonly database: WorkerStart["database"];
  readonly close: () => Promise<void>;
}

const OPENED: Readonly<Record<string, () => Promise<Engine>>> = {
  sqlite: async () => {
    const directory = await mkdtemp(join(tmpdir(), "headgate-tasks-"));
    const close = () => rm(directory, { recursive: true, force: true });
    return { name: "SQLite", workers: 1, atMost: 1_000, database: { kind: "embedded", directory }, close };
  },
  postgres: async () => {
    const server = await startPostgres(true);
    if (!server) throw new Error("this machine has no PostgreSQL: apt-get install -y postgresql");
    const database = { kind: "postgres", url: server.url } as const;
    return { name: "PostgreSQL", workers: 4, atMost: 1_500, database, close: server.stop };
  },
};

/** The least value that so large a part of the values does not exceed. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

const soon = (): number => Date.now() + 1_000 + tasks * MILLIS_TO_ASK;

/** The moments at which the tasks of a measurement are due. */
const PATTERNS: Readonly<Record<string, () => readonly number[]>> = {
  "evenly over one second": () => {
    const first = soon();
    return Array.from({ length: tasks }, (_, task) => first + Math.floor((task * 1_000) / tasks));
  },
  "all at one moment": () => {
    const moment = soon();
    return Array.from({ length: tasks }, () => moment);
  },
};

/** Few, each alone in its second. */
function singleMoments(): readonly number[] {
  let moment = Date.now() + 1_000;
  return Array.from({ length: SINGLES }, () => (moment += 300 + Math.floor(Math.random() * 900)));
}

async function measure(stage: TaskStage, { name, workers, atMost }: Engine): Promise<ScenarioReport> {
  const samples: Record<string, Record<string, number[]>> = {};
  const note = async (pattern: string, moments: readonly number[]): Promise<void> => {
    const late = (await stage.carryOut(moments)).toSorted((left, right) => left - right);
    const measured = (samples[pattern] ??= { median: [], p99: [], most: [] });
    measured["median"]?.push(quantile(late, 0.5));
    measured["p99"]?.push(quantile(late, 0.99));
    measured["most"]?.push(quantile(late, 1));
  };
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const [pattern, moments] of Object.entries(PATTERNS)) await note(pattern, moments());
  await note("single timers", singleMoments());
  const figure = (pattern: string, measured: string, limit: number): Figure => ({
    name: `${pattern}, ${measured}`,
    value: spreadOf(samples[pattern]?.[measured] ?? []),
    unit: " ms",
    target: { atMost: limit },
  });
  return {
    scenario: `tasks-${name}`,
    about: `${tasks} tasks, ${workers} worker(s) of ${values.concurrency} runs at most; milliseconds of lateness`,
    samples,
    figures: [
      ...Object.keys(PATTERNS).map((pattern) => figure(pattern, "p99", atMost)),
      figure("single timers", "most", 1_000),
    ],
  };
}

const surroundings = surroundingsWith([]);
printSurroundings(surroundings);
const reports: ScenarioReport[] = [];
for (const only of values.only.split(",")) {
  const open = OPENED[only];
  if (!open) throw new Error(`--only takes ${Object.keys(OPENED).join(" and ")}, not ${only}`);
  const engine = await open();
  const start = { database: engine.database, concurrency: Number(values.concurrency) };
  const stage = await openTaskStage(start, engine.workers);
  const report = await measure(stage, engine);
  printScenario(report);
  reports.push(report);
  await stage.close();
  await engine.close();
}
if (values.json) await writeJson(values.json, surroundings, reports);
