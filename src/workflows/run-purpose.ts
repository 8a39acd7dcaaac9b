import type { RunState } from "../connectors/ci-providers/ci-provider.ts";
import type { Context } from "../context.ts";
import {
  applyRunToDeployment,
  deploymentRelease,
  deploymentTimeLimit,
  lockDeployment,
} from "../deployments/apply-run.ts";
import { applyRunToCandidate, candidateRelease } from "../releases/apply-run.ts";
import type { RunEntry } from "./workflow-run-store.ts";

/*
 * What a run is for: a deployment or the build of a candidate. The ledger knows how runs are; what that means for what they
 * serve is that one's own rule.
 */

/** Without a limit of its own. */
const BUILD_TIME_LIMIT_MILLIS = 60 * 60 * 1000;

/**
 * Locks what a run serves; true while it is still to be carried out. Comes before whatever locks the run's own row, for so does
 * whoever calls a deployment off.
 */
export const lockServed = async (tx: Context, run: RunEntry): Promise<boolean> =>
  run.deploymentNumber === null || (await lockDeployment(tx, run.deploymentNumber));

/** Tells what a run serves how it is, in the caller's transaction. */
export async function tellState(tx: Context, run: RunEntry, state: RunState, message: string): Promise<void> {
  if (run.deploymentNumber !== null) await applyRunToDeployment(tx, run.deploymentNumber, state, message);
  else if (run.candidateId !== null) await applyRunToCandidate(tx, run.candidateId, state, message);
}

/** Tells what a run serves that nobody knows where it is. */
export async function tellLost(tx: Context, run: RunEntry, message: string): Promise<void> {
  if (run.deploymentNumber !== null) await applyRunToDeployment(tx, run.deploymentNumber, "lost", message);
}

/** What is released, as JSON, for a run that can be handed a file. */
export const releaseJsonOf = (ctx: Context, run: RunEntry): Promise<string> =>
  run.deploymentNumber === null
    ? candidateRelease(ctx, run.candidateId ?? "")
    : deploymentRelease(ctx, run.deploymentNumber);

/** After so many milliseconds without a sign of life a run counts as lost for good. */
export const timeLimitOf = async (ctx: Context, run: RunEntry): Promise<number> =>
  run.deploymentNumber === null
    ? BUILD_TIME_LIMIT_MILLIS
    : await deploymentTimeLimit(ctx, run.deploymentNumber);
