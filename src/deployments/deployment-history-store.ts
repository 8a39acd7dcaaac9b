import { sql } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { type DeploymentStatusEntry, DeploymentStatus, StatusSource } from "./deployment.ts";

/** Adds an accepted status to a deployment's history, under the lock of its environment. */
export const addToHistory = (tx: Database, deploymentNumber: number, entry: DeploymentStatusEntry) =>
  addAllToHistory(tx, [deploymentNumber], entry);

/** The same status for several deployments of one environment, in one statement. */
export function addAllToHistory(
  tx: Database,
  deploymentNumbers: readonly number[],
  entry: DeploymentStatusEntry,
) {
  const rows = deploymentNumbers.map((number) => ({
    deployment_number: number,
    position: sql<number>`(select coalesce(max(position), 0) + 1 from deployment_statuses
      where deployment_number = ${number})`,
    status: entry.status,
    source: entry.source,
    actor_name: entry.actorName,
    message: entry.message,
    at: entry.at.getTime(),
  }));
  return tx.insertInto("deployment_statuses").values(rows);
}

/** All that was accepted, oldest first. */
export async function listHistory(db: Database, deploymentNumber: number): Promise<DeploymentStatusEntry[]> {
  const rows = await db
    .selectFrom("deployment_statuses")
    .selectAll()
    .where("deployment_number", "=", deploymentNumber)
    .orderBy("position")
    .execute();
  return rows.map((row) => ({
    status: DeploymentStatus.parse(row.status),
    source: StatusSource.parse(row.source),
    actorName: row.actor_name,
    message: row.message,
    at: fromMillis(row.at),
  }));
}
