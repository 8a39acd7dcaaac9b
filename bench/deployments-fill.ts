import { sql } from "kysely";
import { type Database, type DatabaseOptions, openDatabase } from "../src/storage/database.ts";
import { factsOf } from "../src/storage/engine.ts";
import { migrate } from "../src/storage/migrate.ts";
import { fillTables, idOf, secondsOf } from "../test/support/fill-tables.ts";

/** How many projects there are. */
export const PROJECTS = 500;
const ENVIRONMENTS = 12;
const ALL_ENVIRONMENTS = PROJECTS * ENVIRONMENTS;

/** The project whose environments nobody but reports changes; the first of them has six in a hundred of all deployments. */
export const MEASURED = { project: "project 0", key: "project-0", environment: "environment-0" } as const;

/** How the program is called that carries out rollbacks in all other projects. */
export const PROGRAM = "deploy";

/**
 * Makes a database of so many deployments: 500 projects of 12 environments, two deployments of a version in a row, each
 * with its history. One in ten failed, one in twenty was canceled, none is under way. The seconds that it took.
 */
export async function makeManyDeployments(options: DatabaseOptions, deployments: number): Promise<number> {
  const { db, close } = await openDatabase(options);
  try {
    await migrate(db);
    return await secondsOf(() => fill(db, deployments));
  } finally {
    await close();
  }
}

async function fill(db: Database, deployments: number): Promise<void> {
  const counts = candidateCounts(deployments);
  await fillTables(db, PROJECTS, [PROJECT, WORKFLOW]);
  await fillTables(db, ALL_ENVIRONMENTS, [ENVIRONMENT]);
  await fillTables(db, counts.measured + (PROJECTS - 1) * counts.other, candidates(counts));
  await fillTables(db, deployments, deploymentsOf(counts));
  await db.connection().execute((one) => settleEnvironments(one));
  await refuseOddNumbers(db);
  // PostgreSQL does this by itself within minutes.
  if (factsOf(db).shared) await sql`analyze`.execute(db);
}

interface CandidateCounts {
  readonly measured: number;
  readonly other: number;
}

/** How many candidates a project needs, so that each is deployed twice in an environment. */
function candidateCounts(deployments: number): CandidateCounts {
  const other = Math.ceil(deployments / (ALL_ENVIRONMENTS - 1) / 2) + 1;
  return { measured: Math.max(Math.ceil((deployments * 0.06) / 2) + 1, other), other };
}

const CREATED_AT = 1_700_000_000_000;

const PROJECT = `insert into projects (id, key, name, created_at)
  select ${idOf("a")}, 'project-' || i, 'project ' || i, ${CREATED_AT} from series`;
const WORKFLOW = `insert into workflows (id, project_id, name, provider, connection_id, repository, target, ref,
    parameters_json, shows_ids, created_at, updated_at)
  select ${idOf("f")}, ${idOf("a")}, 'deploy', 'command', null, null, '${PROGRAM}', null, '[]', 1, ${CREATED_AT},
    ${CREATED_AT} from series`;
const PROJECT_OF_ENVIRONMENT = idOf("a", `i / ${ENVIRONMENTS}`);
const ENVIRONMENT = `insert into environments (id, project_id, name, tier, position, workflow_id, concurrency,
    promotion_from_id, auto_deploy, time_limit_minutes, redeploy_after_minutes, last_deployment, current_deployment, created_at, updated_at)
  select ${idOf("e")}, ${PROJECT_OF_ENVIRONMENT}, 'environment-' || (i % ${ENVIRONMENTS}),
    case i % ${ENVIRONMENTS} when ${ENVIRONMENTS - 1} then 'production' else 'staging' end, i % ${ENVIRONMENTS},
    case when i < ${ENVIRONMENTS} then null else ${idOf("f", `i / ${ENVIRONMENTS}`)} end, 'queue', null, 0, 60, 10, 0, null,
    ${CREATED_AT}, ${CREATED_AT} from series`;

/** Each is the first of a release of its own. */
function candidates({ measured, other }: CandidateCounts): string[] {
  const project = `case when i < ${measured} then 0 else 1 + (i - ${measured}) / ${other} end`;
  const version = `'1.' || case when i < ${measured} then i else (i - ${measured}) % ${other} end || '.0'`;
  return [
    `insert into releases (id, project_id, version, stage, created_at, commit_sha)
      select ${idOf("b")}, ${idOf("a", project)}, ${version}, 'draft', ${CREATED_AT} + i, ${COMMIT} from series`,
    `insert into release_candidates (id, release_id, project_id, version, number, commit_sha, build_status, build_error,
        created_by, created_by_user_id, created_at)
      select ${idOf("d")}, ${idOf("b")}, ${idOf("a", project)}, ${version} || '-rc1', 1, ${COMMIT}, 'ready', '',
        'somebody', null, ${CREATED_AT} + i from series`,
  ];
}

const COMMIT = `'${"c".repeat(30)}' || cast(1000000000 + i as text)`;
const STATUS = "case when n % 10 = 0 then 'failure' when n % 20 = 7 then 'canceled' else 'success' end";
/** Where the deployment i is (environment e), and the how many-th it is there (n). Three of fifty are in the first. */
const OTHERS = "(i / 50 * 47 + i % 50 - 3)";
const PLACED = `(select i,
    case when i % 50 < 3 then 0 else 1 + ${OTHERS} % ${ALL_ENVIRONMENTS - 1} end as e,
    case when i % 50 < 3 then i / 50 * 3 + i % 50 + 1 else ${OTHERS} / ${ALL_ENVIRONMENTS - 1} + 1 end as n
  from series) as placed`;

function deploymentsOf({ measured, other }: CandidateCounts): string[] {
  const project = `(e / ${ENVIRONMENTS})`;
  const candidate = `case when ${project} = 0 then (n - 1) / 2
    else ${measured} + (${project} - 1) * ${other} + (n - 1) / 2 end`;
  const at = `${CREATED_AT} + cast(i as bigint) * 1000`;
  return [
    `insert into deployments (id, project_id, environment_id, environment_number, release_id, candidate_id, content_id,
        release_version, version, kind, origin, ours, status, started, waits_for, error, from_release_version, from_version,
        leaves_number, actor_name, actor_user_id, forced_json, force_reason, requested_at, started_at, ended_at)
      select ${idOf("c")}, ${idOf("a", project)}, ${idOf("e", "e")}, n, ${idOf("b", candidate)}, ${idOf("d", candidate)},
        null, '1.' || ((n - 1) / 2) || '.0', '1.' || ((n - 1) / 2) || '.0-rc1', 'deploy', 'request', 1, ${STATUS}, 1, '',
        case when n % 10 = 0 then 'exit code 1' end,
        case when n > 2 then '1.' || ((n - 1) / 2 - 1) || '.0' end,
        case when n > 2 then '1.' || ((n - 1) / 2 - 1) || '.0-rc1' end,
        null, 'somebody', null, '[]', null, ${at}, ${at}, ${at} + 60000 from ${PLACED}`,
    `insert into deployment_statuses (deployment_number, position, status, source, actor_name, message, at)
      select i + 1, 1, 'pending', 'headgate', 'somebody', '', ${at} from series`,
    `insert into deployment_statuses (deployment_number, position, status, source, actor_name, message, at)
      select i + 1, 2, ${STATUS}, 'run', 'somebody', '', ${at} + 60000 from ${PLACED}`,
  ];
}

/** What each environment runs, and how many deployments it had. */
async function settleEnvironments(db: Database): Promise<void> {
  if (factsOf(db).shared) await sql`set statement_timeout = 0`.execute(db);
  await sql`update environments set
    last_deployment = (select coalesce(max(environment_number), 0) from deployments where environment_id = environments.id),
    current_deployment = (select number from deployments where environment_id = environments.id and status = 'success'
      order by environment_number desc limit 1)`.execute(db);
  if (factsOf(db).shared) await sql`reset all`.execute(db);
}

/** The histories are written on the assumption that the database numbers deployments in the order of the series. */
async function refuseOddNumbers(db: Database): Promise<void> {
  const { rows } = await sql<{ odd: number }>`select count(*) as odd from deployments
    where id <> ${sql.raw(idOf("c", "(number - 1)"))}`.execute(db);
  if (rows[0]?.odd !== 0) throw new Error("the database numbered the deployments in another order");
}
