import type { Selectable } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import { Workflow } from "./workflow.ts";

type Row = Selectable<Tables["workflows"]>;

const { provider: Provider, parameters: Parameters } = Workflow.shape;

const toWorkflow = (row: Row): Workflow => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  provider: Provider.parse(row.provider),
  connectionId: row.connection_id,
  repository: row.repository,
  target: row.target,
  ref: row.ref,
  parameters: Parameters.parse(JSON.parse(row.parameters_json)),
  showsIds: row.shows_ids === 1,
  createdAt: fromMillis(row.created_at),
  updatedAt: fromMillis(row.updated_at),
});

const toRow = (workflow: Workflow): Row => ({
  id: workflow.id,
  project_id: workflow.projectId,
  name: workflow.name,
  provider: workflow.provider,
  connection_id: workflow.connectionId,
  repository: workflow.repository,
  target: workflow.target,
  ref: workflow.ref,
  parameters_json: JSON.stringify(workflow.parameters),
  shows_ids: workflow.showsIds ? 1 : 0,
  created_at: workflow.createdAt.getTime(),
  updated_at: workflow.updatedAt.getTime(),
});

/** False when the project has a workflow of this name. */
export async function insertWorkflow(db: Database, workflow: Workflow): Promise<boolean> {
  const result = await db
    .insertInto("workflows")
    .values(toRow(workflow))
    .onConflict((conflict) => conflict.columns(["project_id", "name"]).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Writes everything but the id. The caller has made sure that the name is free. */
export async function updateWorkflow(db: Database, workflow: Workflow): Promise<void> {
  const { id, ...columns } = toRow(workflow);
  await db.updateTable("workflows").set(columns).where("id", "=", id).execute();
}

export async function findWorkflow(db: Database, projectId: string, name: string): Promise<Workflow | null> {
  const row = await db
    .selectFrom("workflows")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("name", "=", name)
    .executeTakeFirst();
  return row ? toWorkflow(row) : null;
}

export async function findWorkflowById(db: Database, id: string): Promise<Workflow | null> {
  const row = await db.selectFrom("workflows").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? toWorkflow(row) : null;
}

/** The names of these workflows, by id. */
export async function namesOfWorkflows(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom("workflows")
    .select(["id", "name"])
    .where("id", "in", [...ids])
    .execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** A project's workflows by name. */
export async function listWorkflows(db: Database, projectId: string): Promise<Workflow[]> {
  const rows = await db
    .selectFrom("workflows")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("name")
    .execute();
  return rows.map(toWorkflow);
}

/** Notes that a run of the workflow was seen to show our id. */
export async function noteShownId(tx: Database, id: string): Promise<void> {
  await tx
    .updateTable("workflows")
    .set({ shows_ids: 1 })
    .where("id", "=", id)
    .where("shows_ids", "=", 0)
    .execute();
}
