import type { RunState } from "../connectors/ci-providers/ci-provider.ts";
import type { Context } from "../context.ts";
import { findEnvironmentById, lockEnvironment } from "../environments/environment-store.ts";
import { DEFAULT_TIME_LIMIT_MINUTES } from "../environments/environment.ts";
import { deployableOf } from "./deployable-store.ts";
import { imagesOf } from "./deployment-inputs.ts";
import { type Deployment, type DeploymentStatus, isActive } from "./deployment.ts";
import { findDeployment } from "./deployment-store.ts";
import { moveOn } from "./move-on.ts";

/** What the state of its run means for a deployment. */
const STATUS_OF = {
  queued: "pending",
  running: "in_progress",
  success: "success",
  failure: "failure",
  canceled: "canceled",
  error: "error",
  lost: "unknown",
} as const satisfies Record<RunState | "lost", DeploymentStatus>;

/**
 * Gives a deployment the status that its run has, in the caller's transaction. A report has the last word, so one that
 * has ended stays as it is; and one that was called off stays so until its run has ended.
 */
export async function applyRunToDeployment(
  tx: Context,
  number: number,
  state: RunState | "lost",
  message: string,
): Promise<void> {
  const found = await findDeployment(tx.db, number);
  if (!found || !isNews(found, STATUS_OF[state])) return;
  const environment = await lockEnvironment(tx.db, found.environmentId);
  const deployment = await findDeployment(tx.db, number);
  if (!deployment || !isNews(deployment, STATUS_OF[state])) return;
  await moveOn(tx, environment, deployment, { status: STATUS_OF[state], source: "run", message });
}

function isNews({ status }: Deployment, next: DeploymentStatus): boolean {
  if (!isActive(status) || status === next) return false;
  if (status === "canceling") return !isActive(next) || next === "unknown";
  // A report that it runs is later than the run's own word that it waits.
  return !(status === "in_progress" && next === "pending");
}

/**
 * Whether a deployment is still to be carried out; its environment stays locked until the caller's transaction ends, so that
 * nobody ends it meanwhile.
 */
export async function lockDeployment(tx: Context, number: number): Promise<boolean> {
  const found = await findDeployment(tx.db, number);
  if (!found) return false;
  await lockEnvironment(tx.db, found.environmentId);
  const deployment = await findDeployment(tx.db, number);
  return deployment !== null && isActive(deployment.status);
}

/** After so many milliseconds without a sign of life a deployment's run counts as lost for good. */
export async function deploymentTimeLimit(ctx: Context, number: number): Promise<number> {
  const deployment = await findDeployment(ctx.db, number);
  const environment = deployment && (await findEnvironmentById(ctx.db, deployment.environmentId));
  return (environment?.timeLimitMinutes ?? DEFAULT_TIME_LIMIT_MINUTES) * 60_000;
}

/** What a deployment releases, as JSON: version, commit, images by service. */
export async function deploymentRelease(ctx: Context, number: number): Promise<string> {
  const deployment = await findDeployment(ctx.db, number);
  if (!deployment) return "{}";
  const { candidate, content } = await deployableOf(ctx.db, deployment);
  return JSON.stringify({
    deployment: deployment.number,
    version: deployment.version,
    releaseVersion: deployment.releaseVersion,
    commit: candidate?.commit ?? null,
    isRollback: deployment.kind === "rollback",
    images: content ? await imagesOf(ctx, content.id) : {},
  });
}
