import type { Selectable, Updateable } from "kysely";
import * as z from "zod";
import { fromMillis, toMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import { type RunLedgerState, WorkflowRun } from "./workflow-run.ts";

type Row = Selectable<Tables["workflow_runs"]>;

const { purpose: Purpose, state: State, provider: Provider } = WorkflowRun.shape;
const Inputs = z.record(z.string(), z.string());

/** An entry of the ledger with what only its task needs. */
export interface RunEntry extends WorkflowRun {
  readonly taskId: string;
  /** How often it was looked at. */
  readonly looks: number;
  readonly cancelSentAt: Date | null;
  readonly forceSentAt: Date | null;
}

export const toEntry = (row: Row): RunEntry => ({
  id: row.id,
  projectId: row.project_id,
  workflowId: row.workflow_id,
  purpose: Purpose.parse(row.purpose),
  deploymentNumber: row.deployment_number,
  candidateId: row.candidate_id,
  attempt: row.attempt,
  state: State.parse(row.state),
  provider: Provider.parse(row.provider),
  connectionId: row.connection_id,
  repository: row.repository,
  target: row.target,
  ref: row.ref,
  inputs: Inputs.parse(JSON.parse(row.inputs_json)),
  providerRun: row.provider_run,
  provisional: row.provisional === 1,
  providerAttempt: row.provider_attempt,
  url: row.url,
  message: row.message,
  intendedAt: fromMillis(row.intended_at),
  sentAt: fromMillis(row.sent_at),
  startedAt: fromMillis(row.started_at),
  endedAt: fromMillis(row.ended_at),
  seenAt: fromMillis(row.seen_at),
  cancelAskedAt: fromMillis(row.cancel_asked_at),
  taskId: row.task_id,
  looks: row.looks,
  cancelSentAt: fromMillis(row.cancel_sent_at),
  forceSentAt: fromMillis(row.force_sent_at),
});

/** What is known of an attempt before anything was sent. */
export type IntendedRun = Pick<
  RunEntry,
  | "id"
  | "projectId"
  | "workflowId"
  | "purpose"
  | "deploymentNumber"
  | "candidateId"
  | "provider"
  | "connectionId"
  | "repository"
  | "target"
  | "ref"
  | "inputs"
  | "intendedAt"
  | "taskId"
>;

/** Writes the intent down; it is the next attempt of its deployment or candidate. */
export async function insertRun(tx: Database, run: IntendedRun): Promise<void> {
  const earlier = await runsOf(tx, run);
  await tx
    .insertInto("workflow_runs")
    .values({
      id: run.id,
      project_id: run.projectId,
      workflow_id: run.workflowId,
      purpose: run.purpose,
      deployment_number: run.deploymentNumber,
      candidate_id: run.candidateId,
      attempt: earlier.length + 1,
      state: "intended",
      provider: run.provider,
      connection_id: run.connectionId,
      repository: run.repository,
      target: run.target,
      ref: run.ref,
      inputs_json: JSON.stringify(run.inputs),
      provider_run: null,
      provisional: 0,
      provider_attempt: 1,
      url: null,
      message: "",
      looks: 0,
      task_id: run.taskId,
      intended_at: run.intendedAt.getTime(),
      sent_at: null,
      started_at: null,
      ended_at: null,
      seen_at: run.intendedAt.getTime(),
      cancel_asked_at: null,
      cancel_sent_at: null,
      force_sent_at: null,
    })
    .execute();
}

/** The attempts of one deployment or candidate, oldest first. */
export async function runsOf(
  db: Database,
  { deploymentNumber, candidateId }: Pick<RunEntry, "deploymentNumber" | "candidateId">,
): Promise<RunEntry[]> {
  const runs = db.selectFrom("workflow_runs").selectAll().orderBy("attempt");
  const rows =
    deploymentNumber === null
      ? await runs.where("candidate_id", "=", candidateId).execute()
      : await runs.where("deployment_number", "=", deploymentNumber).execute();
  return rows.map(toEntry);
}

export async function findRun(db: Database, id: string): Promise<RunEntry | null> {
  const row = await db.selectFrom("workflow_runs").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? toEntry(row) : null;
}

/** What may change of an entry. */
export interface RunChange {
  readonly state?: RunLedgerState;
  readonly message?: string;
  readonly providerRun?: string;
  readonly provisional?: boolean;
  readonly providerAttempt?: number;
  readonly url?: string | null;
  readonly sentAt?: Date;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  readonly seenAt?: Date;
  readonly cancelAskedAt?: Date;
  readonly cancelSentAt?: Date;
  readonly forceSentAt?: Date;
  readonly looks?: number;
}

const moment = (date: Date | undefined): number | undefined => toMillis(date ?? null) ?? undefined;

/** The columns of a change; what is undefined is not written. */
const columnsOf = (change: RunChange): Updateable<Tables["workflow_runs"]> => ({
  state: change.state,
  message: change.message,
  provider_run: change.providerRun,
  provisional: change.provisional === undefined ? undefined : Number(change.provisional),
  provider_attempt: change.providerAttempt,
  url: change.url,
  sent_at: moment(change.sentAt),
  started_at: moment(change.startedAt),
  ended_at: moment(change.endedAt),
  seen_at: moment(change.seenAt),
  cancel_asked_at: moment(change.cancelAskedAt),
  cancel_sent_at: moment(change.cancelSentAt),
  force_sent_at: moment(change.forceSentAt),
  looks: change.looks,
});

/** Changes an entry while it is in one of these states. False: it was in none of them. */
export async function changeRun(
  tx: Database,
  id: string,
  from: readonly RunLedgerState[],
  change: RunChange,
): Promise<boolean> {
  const result = await tx
    .updateTable("workflow_runs")
    .set(columnsOf(change))
    .where("id", "=", id)
    .where("state", "in", [...from])
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Notes that something was heard of what a deployment's open runs do: from now on their time limit counts anew. */
export async function noteSeen(tx: Database, deploymentNumber: number, at: Date): Promise<void> {
  await tx
    .updateTable("workflow_runs")
    .set({ seen_at: at.getTime() })
    .where("deployment_number", "=", deploymentNumber)
    .where("state", "not in", ["refused", "ended"])
    .execute();
}

/** Takes a run off that a callback named and that is not the entry's own. */
export async function forgetProvisional(tx: Database, id: string): Promise<void> {
  await tx
    .updateTable("workflow_runs")
    .set({
      provider_run: null,
      provisional: 0,
      message: "a callback named a run that is none of this workflow",
    })
    .where("id", "=", id)
    .where("provisional", "=", 1)
    .execute();
}
