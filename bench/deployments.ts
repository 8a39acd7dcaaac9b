import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sql } from "kysely";
import { type Database, type DatabaseOptions, openDatabase } from "../src/storage/database.ts";
import { makeManyDeployments } from "./deployments-fill.ts";
import { prepareMatrix } from "./deployments-matrix.ts";
import { preparePages, prepareRow } from "./deployments-pages.ts";
import type { PeerPlan } from "./deployments-peer.ts";
import {
  bareReports,
  beginReports,
  listReported,
  makeReporter,
  measureReports,
  ourReports,
  refuseLostReports,
} from "./deployments-reports.ts";
import { allowProgram, listToRollBack, refuseOddRollbacks, rollBackAll } from "./deployments-rollbacks.ts";
import { openPlace, type Place } from "./lists-place.ts";
import { copyOfDatabase, startBarePeer } from "./support/bare-peer.ts";
import { type BuiltServer, startBuiltServer } from "./support/built-server.ts";
import { measureCalls } from "./support/calls.ts";
import { surroundingsWith } from "./support/parts.ts";
import { printScenario, printSurroundings, type ScenarioReport, writeJson } from "./support/report.ts";
import { ratiosOf, spreadOf } from "./support/statistics.ts";

/*
 * What deployments cost over HTTP where there are many: pages of a long history and the matrix, reports (PATCH) against a
 * bare Fastify route that writes the same rows, and rollbacks of many environments at once. Every answer and every row that
 * came of it is compared with what the database says.
 */

const { values } = parseArgs({
  options: {
    engine: { type: "string", multiple: true, default: ["SQLite", "PostgreSQL"] },
    only: { type: "string", multiple: true, default: ["pages", "reports", "rollbacks"] },
    deployments: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "100" },
    "report-rounds": { type: "string", default: "7" },
    seconds: { type: "string", default: "4" },
    callers: { type: "string", default: "16" },
    rollbacks: { type: "string", default: "1000" },
    json: { type: "string" },
  },
});
const deployments = Number(values.deployments);
const callers = Number(values.callers);
const OURS = "Headgate";
const BARE = "bare Fastify";
const REPORTS_AT_LEAST = 0.5;

/** A database that is filled, and the engine's name and version. */
interface Scene {
  readonly folder: string;
  readonly place: Place;
  readonly about: string;
}

async function withDatabase<T>(options: DatabaseOptions, work: (db: Database) => Promise<T>): Promise<T> {
  const { db, close } = await openDatabase(options);
  try {
    return await work(db);
  } finally {
    await close();
  }
}

/** The built program on the scene's database. */
async function withServer<T>(
  { folder, place }: Scene,
  work: (server: BuiltServer) => Promise<T>,
): Promise<T> {
  const settings = { ...place.settings, ...(await allowProgram(folder)) };
  const server = await startBuiltServer({ folder, settings });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

async function measurePages(scene: Scene): Promise<ScenarioReport> {
  const calls = await withDatabase(scene.place.options, async (db) => [
    ...(await preparePages(db)),
    await prepareRow(db),
    await prepareMatrix(db),
  ]);
  const times = await withServer(scene, (server) => measureCalls(server, calls, Number(values.rounds)));
  return { scenario: "pages", about: `${scene.about}; milliseconds a page, a row, a cell`, ...times };
}

async function measureAllReports(scene: Scene): Promise<ScenarioReport> {
  const { folder, place } = scene;
  const token = await withServer(scene, async (server) => {
    const reporter = await makeReporter(server);
    await beginReports(server, reporter, callers);
    return reporter;
  });
  const reported = await withDatabase(place.options, (db) => listReported(db, callers));
  const options = await copyOfDatabase(place.options, folder);
  const peer = await startBarePeer("deployments-peer.ts", { options, reported } satisfies PeerPlan, folder);
  const load = { token, callers, seconds: Number(values.seconds), rounds: Number(values["report-rounds"]) };
  const samples = await withServer(scene, async (server) => {
    const ours = { url: new URL(server.url), ask: ourReports() };
    const bare = { url: peer.url, ask: bareReports() };
    try {
      return await measureReports({ [OURS]: ours, [BARE]: bare }, load);
    } finally {
      await peer.stop();
    }
  });
  await withDatabase(place.options, (db) => refuseLostReports(db, OURS));
  await withDatabase(options, (db) => refuseLostReports(db, BARE));
  return {
    scenario: "reports",
    about: `${scene.about}; ${callers} callers at a time, each with a deployment of its own`,
    samples: Object.fromEntries(
      [...samples].map(([name, perSecond]) => [name, { "reports a second": perSecond }]),
    ),
    figures: [
      {
        name: `reports a second / ${BARE}`,
        value: ratiosOf(samples.get(OURS) ?? [], samples.get(BARE) ?? []),
        unit: "x",
        target: { atLeast: REPORTS_AT_LEAST },
      },
    ],
  };
}

async function measureRollbacks(scene: Scene): Promise<ScenarioReport> {
  const { options } = scene.place;
  const environments = await withDatabase(options, (db) => listToRollBack(db, Number(values.rollbacks)));
  const { answers, answered, ended } = await withServer(scene, (server) => rollBackAll(server, environments));
  await withDatabase(options, (db) => refuseOddRollbacks(db, environments));
  const each = (milliseconds: number) => spreadOf([milliseconds / environments.length]);
  return {
    scenario: "rollbacks",
    about: `${scene.about}; ${environments.length} environments at once: each has exactly one new deployment, which succeeded by one run`,
    samples: { [OURS]: { "milliseconds until answered": answers } },
    figures: [
      { name: "a rollback, accepted", value: each(answered), unit: " ms", target: null },
      { name: "a rollback, carried out by a program", value: each(ended), unit: " ms", target: null },
    ],
  };
}

const MEASURES = { pages: measurePages, reports: measureAllReports, rollbacks: measureRollbacks } as const;

async function measure(engine: string, report: (of: ScenarioReport) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "headgate-deployments-"));
  const place = await openPlace(engine, folder);
  try {
    const seconds = await makeManyDeployments(place.options, deployments);
    const version = await withDatabase(place.options, (db) =>
      sql.raw<{ version: string }>(place.askVersion).execute(db),
    );
    const about = `${engine} ${version.rows[0]?.version}; ${deployments} deployments, filled in ${seconds.toFixed(0)} s`;
    for (const [name, measureOne] of Object.entries(MEASURES)) {
      if (!values.only.includes(name)) continue;
      const one = await measureOne({ folder, place, about });
      report({ ...one, scenario: `${name}-${engine}` });
    }
  } finally {
    await place.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const surroundings = surroundingsWith([]);
printSurroundings(surroundings);
const reports: ScenarioReport[] = [];
for (const engine of values.engine)
  await measure(engine, (one) => {
    printScenario(one);
    reports.push(one);
  });
if (values.json) await writeJson(values.json, surroundings, reports);
