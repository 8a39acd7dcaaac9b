import * as z from "zod";
import type { Context } from "../context.ts";
import { Id, newId } from "../kernel/id.ts";
import type { Project } from "../projects/project.ts";
import { enqueue } from "../tasks/task-queue.ts";
import type { TaskRequest } from "../tasks/task.ts";
import type { RunPurpose } from "./workflow-run.ts";
import { insertRun } from "./workflow-run-store.ts";
import type { Workflow } from "./workflow.ts";

/** The durable task that carries out an entry of the ledger. */
export const CARRY_OUT_RUN = { kind: "carry-out-run", version: 1 };

export const RunPayload = z.object({ runId: Id });
export type RunPayload = z.output<typeof RunPayload>;

const requestFor = (runId: string): TaskRequest => ({
  ...CARRY_OUT_RUN,
  payload: { runId } satisfies RunPayload,
  key: `${CARRY_OUT_RUN.kind}:${runId}`,
});

/** What is to be carried out, and for what. */
export interface RunWish {
  readonly project: Project;
  readonly workflow: Workflow;
  readonly purpose: RunPurpose;
  readonly deploymentNumber: number | null;
  readonly candidateId: string | null;
  /** Of the attempt with this id. */
  readonly inputs: (runId: string) => Record<string, string>;
}

/** Writes the intent to start a workflow down and asks for its task, in the caller's transaction; nothing is sent yet. */
export async function requestRun(tx: Context, wish: RunWish): Promise<string> {
  const { project, workflow } = wish;
  const now = tx.now();
  const id = newId(now);
  const taskId = await enqueue(tx.db, now, requestFor(id));
  const isGithub = workflow.provider === "github";
  await insertRun(tx.db, {
    id,
    projectId: project.id,
    workflowId: workflow.id,
    purpose: wish.purpose,
    deploymentNumber: wish.deploymentNumber,
    candidateId: wish.candidateId,
    provider: workflow.provider,
    connectionId: isGithub ? (workflow.connectionId ?? project.sourceConnectionId) : null,
    repository: isGithub ? (workflow.repository ?? project.repository) : null,
    target: workflow.target,
    ref: workflow.ref,
    inputs: wish.inputs(id),
    intendedAt: now,
    taskId,
  });
  return id;
}
