import type { RunRequest } from "../connectors/ci-providers/ci-provider.ts";
import type { Context } from "../context.ts";
import type { TaskRun } from "../tasks/task.ts";
import { releaseJsonOf, timeLimitOf } from "./run-purpose.ts";
import { findRun, type RunEntry } from "./workflow-run-store.ts";

/** One look at an entry of the ledger, and what it may write. */
export interface RunLook {
  readonly ctx: Context;
  readonly run: RunEntry;
  readonly now: Date;
  readonly request: RunRequest;
  /** After so long without a sign of life it counts as lost for good. */
  readonly timeLimitMillis: number;
  readonly signal: AbortSignal;
  /** Runs `work` in a transaction that holds only while this look has the lease of its task. */
  readonly commit: <T>(work: (tx: Context) => Promise<T>) => Promise<T>;
}

/** Reads the entry and what is to be told of it. Null: there is none. */
export async function loadRun(ctx: Context, runId: string, task: TaskRun): Promise<RunLook | null> {
  const run = await findRun(ctx.db, runId);
  if (!run) return null;
  return {
    ctx,
    run,
    now: ctx.now(),
    request: {
      id: run.id,
      label: String(run.deploymentNumber ?? run.inputs["aviator_release_cut_id"] ?? ""),
      workflow: run.target,
      repository: run.repository,
      ref: run.ref,
      inputs: run.inputs,
      // Only a start hands it over, and looks are many.
      releaseJson: run.state === "intended" ? await releaseJsonOf(ctx, run) : "{}",
      intendedAt: run.intendedAt,
    },
    timeLimitMillis: await timeLimitOf(ctx, run),
    signal: task.signal,
    commit: (work) => task.transaction((db) => work({ ...ctx, db })),
  };
}

/** True when the last sign of life is older than the time limit. */
export const isSilent = ({ run, now, timeLimitMillis }: RunLook): boolean =>
  now.getTime() - run.seenAt.getTime() > timeLimitMillis;

/** So many milliseconds from now. */
export const later = ({ now }: RunLook, millis: number): Date => new Date(now.getTime() + millis);
