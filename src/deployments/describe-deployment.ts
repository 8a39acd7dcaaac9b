import type { Context } from "../context.ts";
import type { WorkflowRun } from "../workflows/workflow-run.ts";
import { runsOf } from "../workflows/workflow-run-store.ts";
import type { Deployment, DeploymentStatusEntry } from "./deployment.ts";
import { listHistory } from "./deployment-history-store.ts";
import { getDeployment } from "./get-deployment.ts";

/** A deployment, how it came to be as it is, and what carried it out. */
export interface DescribedDeployment {
  readonly deployment: Deployment;
  readonly history: readonly DeploymentStatusEntry[];
  readonly runs: readonly WorkflowRun[];
}

/** The deployment of this number with its history and the attempts to carry it out. Needs a viewer. Throws DEPLOYMENT_NOT_FOUND. */
export async function describeDeployment(ctx: Context, number: number): Promise<DescribedDeployment> {
  const deployment = await getDeployment(ctx, number);
  return {
    deployment,
    history: await listHistory(ctx.db, number),
    runs: await runsOf(ctx.db, { deploymentNumber: number, candidateId: null }),
  };
}
