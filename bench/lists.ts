import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Database, type DatabaseOptions, openDatabase } from "../src/storage/database.ts";
import { sql } from "kysely";
import { prepareCalls } from "./lists-calls.ts";
import { makeManyReleases } from "../test/support/many-releases.ts";
import { openPlace } from "./lists-place.ts";
import { startBuiltServer } from "./support/built-server.ts";
import { measureCalls } from "./support/calls.ts";
import { surroundingsWith } from "./support/parts.ts";
import {
  printFigures,
  printSamples,
  printSurroundings,
  type ScenarioReport,
  writeJson,
} from "./support/report.ts";

/*
 * What pages of a long list cost, over HTTP: page 10,000, a page by status and a page by label against the first page
 * of the same project, in the same run. Every total and every page is compared with what `count` and `offset` give.
 */

const { values } = parseArgs({
  options: {
    engine: { type: "string", multiple: true, default: ["SQLite", "PostgreSQL"] },
    releases: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "100" },
    json: { type: "string" },
  },
});
const releases = Number(values.releases);

async function measure(engine: string): Promise<ScenarioReport> {
  const folder = await mkdtemp(join(tmpdir(), "headgate-lists-"));
  const place = await openPlace(engine, folder);
  try {
    const { fillSeconds, upgradeSeconds } = await makeManyReleases(place.options, releases);
    const { version, calls } = await withDatabase(place.options, async (db) => ({
      version: (await sql.raw<{ version: string }>(place.askVersion).execute(db)).rows[0]?.version,
      calls: await prepareCalls(db),
    }));
    const server = await startBuiltServer({ folder, settings: place.settings });
    try {
      const { samples, figures } = await measureCalls(server, calls, Number(values.rounds));
      const about = [
        `${engine} ${version}; ${releases} releases, three in ten of them in the project; filled in ${fillSeconds.toFixed(0)} s,`,
        `brought up to date in ${upgradeSeconds.toFixed(0)} s; milliseconds a request`,
      ].join(" ");
      return { scenario: `lists-${engine}`, about, samples, figures };
    } finally {
      await server.stop();
    }
  } finally {
    await place.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function withDatabase<T>(options: DatabaseOptions, work: (db: Database) => Promise<T>): Promise<T> {
  const { db, close } = await openDatabase(options);
  try {
    return await work(db);
  } finally {
    await close();
  }
}

const surroundings = surroundingsWith([]);
printSurroundings(surroundings);
const reports: ScenarioReport[] = [];
for (const engine of values.engine) {
  const report = await measure(engine);
  console.log(`\n${report.scenario}: ${report.about}`);
  printSamples(report.samples);
  printFigures(report.figures);
  reports.push(report);
}
if (values.json) await writeJson(values.json, surroundings, reports);
