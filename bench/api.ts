import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { PeerPlan } from "./api-peer.ts";
import { recordStatements } from "./api-statements.ts";
import { openPlace, type Place } from "./lists-place.ts";
import { CreateToken } from "../src/api/contract/tokens.ts";
import { CreateUser } from "../src/api/contract/users.ts";
import { GrantRole } from "../src/api/contract/roles.ts";
import { makeManyReleases, PROJECT_KEY } from "../test/support/many-releases.ts";
import { type BuiltServer, startBuiltServer } from "./support/built-server.ts";
import { answersPerSecond } from "./support/load.ts";
import { surroundingsWith } from "./support/parts.ts";
import { printScenario, printSurroundings, type ScenarioReport, writeJson } from "./support/report.ts";
import { ratiosOf } from "./support/statistics.ts";

/*
 * What our API adds to a list: requests per second of Zadig's list route against a bare Fastify route that runs the
 * same SQL, token look-up included. Both are processes of their own, asked in turn by the same callers.
 */

const { values } = parseArgs({
  options: {
    engine: { type: "string", multiple: true, default: ["SQLite", "PostgreSQL"] },
    releases: { type: "string", default: "10000" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "4" },
    callers: { type: "string", default: "16" },
    json: { type: "string" },
  },
});
const OURS = "Headgate";
const BARE = "bare Fastify";
const LIST = `/openapi/delivery/releases?projectKey=${PROJECT_KEY}&pageNum=1&pageSize=20`;
const AT_LEAST = 0.5;

/** A token of a user who may see the one project: what a script has. */
async function makeToken({ client }: BuiltServer): Promise<string> {
  const user = await client.call(CreateUser, { body: { name: "script" } });
  await client.call(GrantRole, { params: { project: PROJECT_KEY, user: user.id }, body: { role: "viewer" } });
  const { text } = await client.call(CreateToken, {
    body: { name: "list", scopes: ["full"], user: user.id },
  });
  return text ?? "";
}

async function startPeer(plan: PeerPlan, folder: string) {
  const file = join(folder, "plan.json");
  await writeFile(file, JSON.stringify(plan));
  const child = spawn(process.execPath, [join(import.meta.dirname, "api-peer.ts"), file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const stop = async (): Promise<void> => {
    child.kill();
    await once(child, "exit");
  };
  return { url: new URL(url), stop };
}

async function measure(engine: string): Promise<ScenarioReport> {
  const folder = await mkdtemp(join(tmpdir(), "headgate-api-"));
  const place = await openPlace(engine, folder);
  try {
    await makeManyReleases(place.options, Number(values.releases));
    const first = await startBuiltServer({ folder, settings: place.settings });
    const token = await makeToken(first);
    await first.stop();
    const statements = await recordStatements(place.options, token, PROJECT_KEY);
    const peer = await startPeer({ options: await peerOptions(place, folder), statements }, folder);
    const server = await startBuiltServer({ folder, settings: place.settings });
    try {
      const samples = await takeTurns(token, {
        [OURS]: new URL(LIST, server.url),
        [BARE]: peer.url,
      });
      return reportOf(engine, statements.length, samples);
    } finally {
      await server.stop();
      await peer.stop();
    }
  } finally {
    await place.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The embedded database belongs to one process: the peer gets a copy. */
async function peerOptions({ options }: Place, folder: string): Promise<PeerPlan["options"]> {
  if (options.kind === "postgres") return options;
  const directory = join(folder, "peer");
  await cp(options.directory, directory, { recursive: true });
  return { kind: "embedded", directory };
}

async function takeTurns(token: string, urls: Readonly<Record<string, URL>>) {
  const samples = new Map(Object.keys(urls).map((name) => [name, [] as number[]]));
  const headers = { authorization: `Bearer ${token}` };
  const load = { headers, callers: Number(values.callers), seconds: Number(values.seconds) };
  for (let round = -1; round < Number(values.rounds); round += 1)
    for (const [name, url] of Object.entries(urls)) {
      const perSecond = await answersPerSecond({ ...load, url });
      // The first round is there to compile and to fill caches.
      if (round >= 0) samples.get(name)?.push(perSecond);
    }
  return samples;
}

function reportOf(
  engine: string,
  statements: number,
  samples: ReadonlyMap<string, readonly number[]>,
): ScenarioReport {
  const figure = {
    name: `requests a second / ${BARE}`,
    value: ratiosOf(samples.get(OURS) ?? [], samples.get(BARE) ?? []),
    unit: "x",
    target: { atLeast: AT_LEAST },
  };
  return {
    scenario: `api-${engine}`,
    about: `${engine}, ${values.releases} releases, pages of 20 by ${values.callers} callers at a time; ${statements} statements a request`,
    samples: Object.fromEntries(
      [...samples].map(([name, perSecond]) => [name, { "requests a second": perSecond }]),
    ),
    figures: [figure],
  };
}

const surroundings = surroundingsWith([]);
printSurroundings(surroundings);
const reports: ScenarioReport[] = [];
for (const engine of values.engine) {
  const report = await measure(engine);
  printScenario(report);
  reports.push(report);
}
if (values.json) await writeJson(values.json, surroundings, reports);
