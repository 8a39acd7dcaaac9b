import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import * as z from "zod";
import { isActive, DeploymentStatus } from "../src/deployments/deployment.ts";
import type { Database } from "../src/storage/database.ts";
import { MEASURED, PROGRAM } from "./deployments-fill.ts";
import type { Door } from "./support/calls.ts";

const LOOK_MILLIS = 500;

/** An environment that is rolled back, and how many deployments it had before. */
export interface RolledBack {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly before: number;
}

/** What the program of all workflows is: one that ends at once. Answers the setting that allows it. */
export async function allowProgram(folder: string): Promise<Readonly<Record<string, string>>> {
  const program = join(folder, "program");
  await writeFile(program, "#!/bin/sh\nexit 0\n");
  await chmod(program, 0o700);
  const file = join(folder, "commands.json");
  await writeFile(file, JSON.stringify({ programs: { [PROGRAM]: { argv: [program] } } }), { mode: 0o600 });
  return { HEADGATE_COMMANDS_FILE: file };
}

/** So many environments outside of the measured project. */
export async function listToRollBack(db: Database, count: number): Promise<readonly RolledBack[]> {
  const { rows } = await sql<RolledBack>`
    select environment.id, project.name as project, environment.name, environment.last_deployment as before
    from environments as environment join projects as project on project.id = environment.project_id
    where project.key <> ${MEASURED.key} order by environment.id limit ${count}`.execute(db);
  return rows;
}

/** Milliseconds until each call was answered, until all were, and until all rollbacks had ended. */
export interface RollbackTimes {
  readonly answers: readonly number[];
  readonly answered: number;
  readonly ended: number;
}

/** Asks for all rollbacks at the same moment, then waits until none of them is under way any more. */
export async function rollBackAll(server: Door, environments: readonly RolledBack[]): Promise<RollbackTimes> {
  const begunAt = performance.now();
  const answers = await Promise.all(
    environments.map(async (environment) => {
      await rollBack(server, environment);
      return performance.now() - begunAt;
    }),
  );
  const answered = performance.now() - begunAt;
  for (const environment of environments)
    while (await isUnderWay(server, environment))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS));
  return { answers, answered, ended: performance.now() - begunAt };
}

const pathOf = ({ project, name }: RolledBack): string =>
  `/api/releases/${encodeURIComponent(project)}/environments/${name}`;

async function rollBack({ url, token }: Door, environment: RolledBack): Promise<void> {
  const answer = await fetch(`${url}${pathOf(environment)}/rollback`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`a rollback: ${answer.status} ${text}`);
}

const Newest = z.array(z.object({ status: DeploymentStatus }));

async function isUnderWay({ url, token }: Door, environment: RolledBack): Promise<boolean> {
  const answer = await fetch(`${url}${pathOf(environment)}/deployments?per_page=1`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return Newest.parse(await answer.json()).some(({ status }) => isActive(status));
}

/** Each environment must have exactly one more deployment: a rollback that succeeded by one run, and is what runs there. */
export async function refuseOddRollbacks(db: Database, environments: readonly RolledBack[]): Promise<void> {
  const { rows } = await sql<{ id: string; now: number; fit: number }>`
    select environment.id, environment.last_deployment as now,
      (select count(*) from deployments as deployment where deployment.environment_id = environment.id
        and deployment.number = environment.current_deployment
        and deployment.environment_number = environment.last_deployment
        and deployment.kind = 'rollback' and deployment.status = 'success'
        and (select count(*) from workflow_runs as run where run.deployment_number = deployment.number) = 1) as fit
    from environments as environment`.execute(db);
  const after = new Map(rows.map((row) => [row.id, row]));
  const odd = environments.filter(({ id, before }) => {
    const row = after.get(id);
    return row?.now !== before + 1 || row.fit !== 1;
  });
  if (odd.length === 0) return;
  const examples = odd.slice(0, 3).map((one) => JSON.stringify({ ...one, after: after.get(one.id) }));
  throw new Error(`${odd.length} environments did not end with one new deployment: ${examples.join(", ")}`);
}
