import type { Selectable } from "kysely";
import * as z from "zod";
import { fromMillis, toMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import { ACTIVE, Deployment, type DeploymentStatus, ForcedGate } from "./deployment.ts";

type Row = Selectable<Tables["deployments"]>;

const { kind: Kind, origin: Origin, status: Status } = Deployment.shape;
const Forced = z.array(ForcedGate);

export const toDeployment = (row: Row): Deployment => ({
  id: row.id,
  number: row.number,
  projectId: row.project_id,
  environmentId: row.environment_id,
  environmentNumber: row.environment_number,
  releaseId: row.release_id,
  candidateId: row.candidate_id,
  contentId: row.content_id,
  releaseVersion: row.release_version,
  version: row.version,
  kind: Kind.parse(row.kind),
  origin: Origin.parse(row.origin),
  ours: row.ours === 1,
  status: Status.parse(row.status),
  started: row.started === 1,
  waitsFor: row.waits_for,
  error: row.error,
  fromReleaseVersion: row.from_release_version,
  fromVersion: row.from_version,
  leavesNumber: row.leaves_number,
  actorName: row.actor_name,
  actorUserId: row.actor_user_id,
  forced: Forced.parse(JSON.parse(row.forced_json)),
  forceReason: row.force_reason,
  requestedAt: fromMillis(row.requested_at),
  startedAt: fromMillis(row.started_at),
  endedAt: fromMillis(row.ended_at),
});

/** Writes a new deployment; the database gives it its number. */
export async function insertDeployment(
  tx: Database,
  deployment: Omit<Deployment, "number">,
): Promise<Deployment> {
  const { number } = await tx
    .insertInto("deployments")
    .values({
      id: deployment.id,
      project_id: deployment.projectId,
      environment_id: deployment.environmentId,
      environment_number: deployment.environmentNumber,
      release_id: deployment.releaseId,
      candidate_id: deployment.candidateId,
      content_id: deployment.contentId,
      release_version: deployment.releaseVersion,
      version: deployment.version,
      kind: deployment.kind,
      origin: deployment.origin,
      ours: deployment.ours ? 1 : 0,
      from_release_version: deployment.fromReleaseVersion,
      from_version: deployment.fromVersion,
      leaves_number: deployment.leavesNumber,
      actor_name: deployment.actorName,
      actor_user_id: deployment.actorUserId,
      forced_json: JSON.stringify(deployment.forced),
      force_reason: deployment.forceReason,
      requested_at: deployment.requestedAt.getTime(),
      ...stateColumns(deployment),
    })
    .returning("number")
    .executeTakeFirstOrThrow();
  return { ...deployment, number };
}

const stateColumns = (
  state: Pick<Deployment, "status" | "started" | "waitsFor" | "error" | "startedAt" | "endedAt">,
) => ({
  status: state.status,
  started: state.started ? 1 : 0,
  waits_for: state.waitsFor,
  error: state.error,
  started_at: toMillis(state.startedAt),
  ended_at: toMillis(state.endedAt),
});

/** Writes what may change of a deployment, under the lock of its environment. */
export const updateDeployment = (tx: Database, deployment: Deployment) =>
  tx.updateTable("deployments").set(stateColumns(deployment)).where("number", "=", deployment.number);

/** Ends deployments that never started, under the lock of their environment. */
export async function endUnstarted(
  tx: Database,
  numbers: readonly number[],
  { error, at }: { readonly error: string; readonly at: Date },
): Promise<void> {
  await tx
    .updateTable("deployments")
    .set({ status: "canceled", error, waits_for: "", ended_at: at.getTime() })
    .where("number", "in", [...numbers])
    .execute();
}

export async function findDeployment(db: Database, number: number): Promise<Deployment | null> {
  const row = await db.selectFrom("deployments").selectAll().where("number", "=", number).executeTakeFirst();
  return row ? toDeployment(row) : null;
}

/** The deployments of these numbers, in no order. */
export async function findDeployments(db: Database, numbers: readonly number[]): Promise<Deployment[]> {
  if (numbers.length === 0) return [];
  const rows = await db
    .selectFrom("deployments")
    .selectAll()
    .where("number", "in", [...numbers])
    .execute();
  return rows.map(toDeployment);
}

/** The statement that finds the newest deployment of a version in the environment of this name. */
export const newestIn = (db: Database, projectId: string, environment: string, version: string) =>
  db
    .selectFrom("deployments")
    .selectAll()
    .where("environment_id", "=", (of) =>
      of
        .selectFrom("environments")
        .select("id")
        .where("project_id", "=", projectId)
        .where("name", "=", environment),
    )
    .where("version", "=", version)
    .orderBy("environment_number", "desc")
    .limit(1);

/** What is under way or waits in an environment, in the order of acceptance. */
export async function listActive(db: Database, environmentId: string): Promise<Deployment[]> {
  const rows = await db
    .selectFrom("deployments")
    .selectAll()
    .where("environment_id", "=", environmentId)
    .where("status", "in", [...ACTIVE])
    .orderBy("environment_number")
    .execute();
  return rows.map(toDeployment);
}

/** Deployments of an environment with numbers below `before`, newest first; all of them, or those of one status. */
export async function listBefore(
  db: Database,
  environmentId: string,
  before: number,
  limit: number,
  status: DeploymentStatus | null = null,
): Promise<Deployment[]> {
  const rows = await db
    .selectFrom("deployments")
    .selectAll()
    .where("environment_id", "=", environmentId)
    .where("environment_number", "<", before)
    .$if(status !== null, (query) => query.where("status", "=", status ?? ""))
    .orderBy("environment_number", "desc")
    .limit(limit)
    .execute();
  return rows.map(toDeployment);
}
