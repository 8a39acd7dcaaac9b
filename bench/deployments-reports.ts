import { CreateToken } from "../src/api/contract/tokens.ts";
import { CreateUser } from "../src/api/contract/users.ts";
import { GrantRole } from "../src/api/contract/roles.ts";
import type { Database } from "../src/storage/database.ts";
import { MEASURED } from "./deployments-fill.ts";
import type { PeerReport, Reported } from "./deployments-peer.ts";
import type { BuiltServer } from "./support/built-server.ts";
import { type Ask, answersPerSecond } from "./support/load.ts";

/** The first candidate of the measured project that is reported on: one that came to none of these environments. */
const FIRST_CANDIDATE = 100;
/** All of the measured project but the one with the long history. */
const ENVIRONMENTS = 11;

const PATH = `/api/releases/${encodeURIComponent(MEASURED.project)}/environments`;
const environmentOf = (caller: number): string => `environment-${1 + (caller % ENVIRONMENTS)}`;
const versionOf = (caller: number): string => `1.${FIRST_CANDIDATE + caller}.0-rc1`;

/** A token of a user who releases in the one project: what a CI system has. */
export async function makeReporter({ client }: BuiltServer): Promise<string> {
  const user = await client.call(CreateUser, { body: { name: "script" } });
  const params = { project: MEASURED.key, user: user.id };
  await client.call(GrantRole, { params, body: { role: "releaser" } });
  const body = { name: "reports", scopes: ["full"], user: user.id };
  return (await client.call(CreateToken, { body })).text ?? "";
}

/** Success and failure in turn, so that each report changes all that one can: both rows, the history, the events. */
function alternating(): (caller: number) => PeerReport["status"] {
  const said = new Map<number, number>();
  return (caller) => {
    const count = (said.get(caller) ?? 0) + 1;
    said.set(caller, count);
    return count % 2 === 1 ? "success" : "failure";
  };
}

/** Reports as Aviator's clients send them. */
export function ourReports(): (caller: number) => Ask {
  const next = alternating();
  return (caller) => ({
    method: "PATCH",
    path: `${PATH}/${environmentOf(caller)}/deployments`,
    body: { release_candidate_version: versionOf(caller), status: next(caller) },
  });
}

/** The same for the bare route. */
export function bareReports(): (caller: number) => Ask {
  const next = alternating();
  return (caller) => ({
    method: "PATCH",
    path: `/report/${caller}`,
    body: { status: next(caller) } satisfies PeerReport,
  });
}

/** Lets every caller report that its deployment failed, which makes it; whoever measures comes after that. */
export async function beginReports(server: BuiltServer, token: string, callers: number): Promise<void> {
  for (let caller = 0; caller < callers; caller += 1) {
    const answer = await fetch(`${server.url}${PATH}/${environmentOf(caller)}/deployments`, {
      method: "PATCH",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ release_candidate_version: versionOf(caller), status: "failure" }),
    });
    if (answer.status !== 200) throw new Error(`a report: ${answer.status} ${await answer.text()}`);
  }
}

/** The deployments that the callers report on, in their order. */
export async function listReported(db: Database, callers: number): Promise<readonly Reported[]> {
  const rows = await db
    .selectFrom("deployments as deployment")
    .select(["project_id as projectId", "environment_id as environmentId", "number", "id", "version"])
    .where("origin", "=", "report")
    .orderBy("number")
    .execute();
  if (rows.length !== callers)
    throw new Error(`${rows.length} deployments came of the reports of ${callers} callers`);
  return rows;
}

/** One who is asked, and what its callers send. */
export interface Contender {
  readonly url: URL;
  readonly ask: (caller: number) => Ask;
}

/** Reports per second of each, round by round in turn; the first round is there to compile and to fill caches. */
export async function measureReports(
  contenders: Readonly<Record<string, Contender>>,
  load: {
    readonly token: string;
    readonly callers: number;
    readonly seconds: number;
    readonly rounds: number;
  },
): Promise<ReadonlyMap<string, readonly number[]>> {
  const { callers, seconds } = load;
  const headers = { authorization: `Bearer ${load.token}` };
  const samples = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  for (let round = -1; round < load.rounds; round += 1)
    for (const [name, { url, ask }] of Object.entries(contenders)) {
      const perSecond = await answersPerSecond({ url, ask, headers, callers, seconds });
      if (round >= 0) samples.get(name)?.push(perSecond);
    }
  return samples;
}

/** Every report must have left one row in the history and one event, on either side, and nothing else may have. */
export async function refuseLostReports(db: Database, whose: string): Promise<void> {
  const history = await db
    .selectFrom("deployment_statuses")
    .select((row) => row.fn.countAll<number>().as("count"))
    .where("source", "=", "report")
    .executeTakeFirstOrThrow();
  const events = await db
    .selectFrom("events as event")
    .innerJoin("projects as project", "project.id", "event.project_id")
    .select((row) => row.fn.countAll<number>().as("count"))
    .where("project.key", "=", MEASURED.key)
    .where("event.kind", "like", "deployment.%")
    .executeTakeFirstOrThrow();
  if (history.count !== events.count || history.count === 0)
    throw new Error(`${whose}: ${history.count} reports in the history, ${events.count} in the audit log`);
}
