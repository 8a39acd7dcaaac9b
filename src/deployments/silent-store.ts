import { sql } from "kysely";
import type { Database } from "../storage/database.ts";

/**
 * Deployments that hold their environment by somebody's word alone, without a run of ours, and of which nothing was heard for
 * the environment's time limit; oldest first. Where no workflow is nobody waits for them.
 */
export async function listSilent(
  db: Database,
  now: Date,
  which: { readonly number: number | null; readonly limit: number },
): Promise<{ readonly number: number; readonly environmentId: string }[]> {
  const only = which.number === null ? sql`` : sql`and deployment.number = ${which.number}`;
  const { rows } = await sql<{ number: number; environment_id: string }>`
    select deployment.number, deployment.environment_id from deployments as deployment
    join environments as environment on environment.id = deployment.environment_id
    where deployment.status in ('pending', 'in_progress', 'canceling', 'unknown')
      and (deployment.started = 1 or deployment.status <> 'pending') and environment.workflow_id is not null ${only}
      and not exists (select 1 from workflow_runs as run
        where run.deployment_number = deployment.number and run.state not in ('refused', 'ended'))
      and (select max(entry.at) from deployment_statuses as entry where entry.deployment_number = deployment.number)
        < cast(${now.getTime()} as bigint) - environment.time_limit_minutes * 60000
    order by deployment.number limit ${which.limit}`.execute(db);
  return rows.map((row) => ({ number: row.number, environmentId: row.environment_id }));
}
