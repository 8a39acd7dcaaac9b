import { type Selectable, sql } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { forChange } from "../storage/for-change.ts";
import type { Tables } from "../storage/tables.ts";
import { Concurrency, type Environment } from "./environment.ts";
import { Tier } from "./tier.ts";

type Row = Selectable<Tables["environments"]>;

export const toEnvironment = (row: Row): Environment => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  tier: Tier.parse(row.tier),
  position: row.position,
  workflowId: row.workflow_id,
  concurrency: Concurrency.parse(row.concurrency),
  promotionFromId: row.promotion_from_id,
  autoDeploy: row.auto_deploy === 1,
  timeLimitMinutes: row.time_limit_minutes,
  redeployAfterMinutes: row.redeploy_after_minutes,
  lastDeployment: row.last_deployment,
  currentDeployment: row.current_deployment,
  createdAt: fromMillis(row.created_at),
  updatedAt: fromMillis(row.updated_at),
});

const toRow = (environment: Environment): Row => ({
  id: environment.id,
  project_id: environment.projectId,
  name: environment.name,
  tier: environment.tier,
  position: environment.position,
  workflow_id: environment.workflowId,
  concurrency: environment.concurrency,
  promotion_from_id: environment.promotionFromId,
  auto_deploy: environment.autoDeploy ? 1 : 0,
  time_limit_minutes: environment.timeLimitMinutes,
  redeploy_after_minutes: environment.redeployAfterMinutes,
  last_deployment: environment.lastDeployment,
  current_deployment: environment.currentDeployment,
  created_at: environment.createdAt.getTime(),
  updated_at: environment.updatedAt.getTime(),
});

/** False when the project has an environment of this name. */
export async function insertEnvironment(db: Database, environment: Environment): Promise<boolean> {
  const result = await db
    .insertInto("environments")
    .values(toRow(environment))
    .onConflict((conflict) => conflict.columns(["project_id", "name"]).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Writes what may change of an environment by hand. */
export async function updateEnvironment(db: Database, environment: Environment): Promise<void> {
  const { id, last_deployment: _, current_deployment: __, ...columns } = toRow(environment);
  await db.updateTable("environments").set(columns).where("id", "=", id).execute();
}

export async function findEnvironment(
  db: Database,
  projectId: string,
  name: string,
): Promise<Environment | null> {
  const row = await db
    .selectFrom("environments")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("name", "=", name)
    .executeTakeFirst();
  return row ? toEnvironment(row) : null;
}

export async function findEnvironmentById(db: Database, id: string): Promise<Environment | null> {
  const row = await db.selectFrom("environments").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? toEnvironment(row) : null;
}

/**
 * Locks the environment until the transaction ends: whatever changes its deployments begins with this. Throws an Error
 * when there is none, for environments are never removed.
 */
export async function lockEnvironment(tx: Database, id: string): Promise<Environment> {
  return toEnvironment(await locking(tx).where("id", "=", id).executeTakeFirstOrThrow());
}

/** The statement that does the same by its name in a project: no row when the project has none of this name. */
export const lockNamed = (tx: Database, projectId: string, name: string) =>
  locking(tx).where("project_id", "=", projectId).where("name", "=", name);

const locking = (tx: Database) => forChange(tx, tx.selectFrom("environments").selectAll());

/** The number of the next deployment of a locked environment. */
export async function takeNumber(tx: Database, { id }: Environment): Promise<number> {
  const row = await tx
    .updateTable("environments")
    .set((columns) => ({ last_deployment: columns("last_deployment", "+", 1) }))
    .where("id", "=", id)
    .returning("last_deployment")
    .executeTakeFirstOrThrow();
  return row.last_deployment;
}

/**
 * Lets a locked environment run this deployment, which has succeeded, unless it runs one of a higher number: a late success
 * of an older attempt cannot win. `goes_on` of the row it returns is whether versions go from here to other environments.
 */
export const runInstead = (tx: Database, id: string, deployment: number) =>
  tx
    .updateTable("environments")
    .set((columns) => ({
      current_deployment: sql<number>`case when ${columns.ref("current_deployment")} > ${deployment}
        then ${columns.ref("current_deployment")} else ${deployment} end`,
    }))
    .where("id", "=", id)
    .returning((columns) =>
      columns
        .exists(
          columns
            .selectFrom("environments as next")
            .select("next.id")
            .whereRef("next.promotion_from_id", "=", "environments.id"),
        )
        .as("goes_on"),
    );

/** Lets a locked environment that runs this deployment, which is no success any more, run the last one that is, or nothing. */
export const runNoMore = (tx: Database, id: string, deployment: number) =>
  tx
    .updateTable("environments")
    .set((columns) => ({
      current_deployment: columns
        .selectFrom("deployments")
        .select("number")
        .where("environment_id", "=", id)
        .where("status", "=", "success")
        .orderBy("environment_number", "desc")
        .limit(1),
    }))
    .where("id", "=", id)
    .where("current_deployment", "=", deployment);

/** A project's environments, from the first that a release reaches to the last. */
export async function listEnvironments(db: Database, projectId: string): Promise<Environment[]> {
  const rows = await db
    .selectFrom("environments")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("position")
    .orderBy("created_at")
    .orderBy("id")
    .execute();
  return rows.map(toEnvironment);
}

/** The names of these environments, by id. */
export async function namesOfEnvironments(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom("environments")
    .select(["id", "name"])
    .where("id", "in", [...new Set(ids)])
    .execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** The environments to which versions come from this one. */
export async function listPromotedFrom(db: Database, id: string): Promise<Environment[]> {
  const rows = await db.selectFrom("environments").selectAll().where("promotion_from_id", "=", id).execute();
  return rows.map(toEnvironment);
}
