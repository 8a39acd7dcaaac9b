import { requireToReport } from "../access/authorize.ts";
import { type Context, inTransaction } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { DomainError } from "../kernel/errors.ts";
import { type ProjectRef, resolveReported } from "../projects/get-project.ts";
import { noteSeen, runsOf } from "../workflows/workflow-run-store.ts";
import { acceptDeployment, currentOf } from "./accept-deployment.ts";
import type { Deployable } from "./deployable.ts";
import { findDeployable } from "./deployable-store.ts";
import { type Deployment, type DeploymentStatus, isActive } from "./deployment.ts";
import { addToHistory } from "./deployment-history-store.ts";
import { lockReported } from "./lock-reported.ts";
import type { Move } from "./move-deployment.ts";
import { moveOn } from "./move-on.ts";

export interface ReportDeployment {
  readonly project: ProjectRef;
  readonly environment: string;
  readonly version: string;
  readonly status: DeploymentStatus;
  /** What there is to say of it; may be empty. */
  readonly message: string;
}

const BEGINNINGS: readonly DeploymentStatus[] = ["pending", "in_progress"];

/**
 * Notes what somebody says of the newest deployment of a version in an environment, or of one that is not known yet. Reports
 * are facts: none is refused by a gate, and none starts work. Needs a releaser, or a token to report.
 * Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN.
 */
export function reportDeployment(ctx: Context, input: ReportDeployment): Promise<Deployment> {
  return inTransaction(ctx, async (tx) => {
    const project = await resolveReported(tx, input.project);
    const { environment, newest } = await lockReported(tx, project, input);
    // A version that came here is known, whatever has become of its release since.
    const target = newest ? null : await getDeployable(tx, environment, input.version);
    requireToReport(tx, project.id);
    return await note(tx, environment, { newest, target }, input);
  });
}

async function note(
  tx: Context,
  environment: Environment,
  { newest, target }: { readonly newest: Deployment | null; readonly target: Deployable | null },
  { version, status, message }: ReportDeployment,
): Promise<Deployment> {
  const move: Move = { status, source: "report", message };
  if (newest && !(await isRedeployment(tx, environment, newest, status))) {
    if (!isActive(newest.status) && isActive(status))
      return await keepForHistory(tx, newest, status, message);
    await noteSignOfLife(tx, environment, newest, status);
    return await moveOn(tx, environment, newest, move);
  }
  const made = await accept(tx, environment, target ?? (await getDeployable(tx, environment, version)));
  return status === "pending" ? made : await moveOn(tx, environment, made, move);
}

async function getDeployable(tx: Context, { projectId }: Environment, version: string): Promise<Deployable> {
  const target = await findDeployable(tx.db, projectId, version);
  if (!target) throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${version}`);
  return target;
}

/** A report counts as one for the run too, also while that itself cannot be found. */
async function noteSignOfLife(
  tx: Context,
  environment: Environment,
  { number }: Deployment,
  status: DeploymentStatus,
): Promise<void> {
  if (environment.workflowId !== null && isActive(status)) await noteSeen(tx.db, number, tx.now());
}

const accept = async (tx: Context, environment: Environment, target: Deployable): Promise<Deployment> =>
  acceptDeployment(tx, environment, target, {
    kind: "deploy",
    origin: "report",
    from: await currentOf(tx, environment),
    leaves: null,
    forced: [],
    forceReason: null,
  });

/** It is said to begin although it has ended: by no run of ours, and long enough ago. */
async function isRedeployment(
  tx: Context,
  { redeployAfterMinutes }: Environment,
  { number, status, endedAt }: Deployment,
  reported: DeploymentStatus,
): Promise<boolean> {
  if (isActive(status) || !BEGINNINGS.includes(reported)) return false;
  const endedMillis = endedAt?.getTime() ?? 0;
  if (tx.now().getTime() - endedMillis <= redeployAfterMinutes * 60_000) return false;
  return (await runsOf(tx.db, { deploymentNumber: number, candidateId: null })).length === 0;
}

/** A word that comes too late to count. */
async function keepForHistory(
  tx: Context,
  deployment: Deployment,
  status: DeploymentStatus,
  message: string,
): Promise<Deployment> {
  await addToHistory(tx.db, deployment.number, {
    status,
    source: "report",
    actorName: tx.actor.name,
    message: message === "" ? "came after the end" : message,
    at: tx.now(),
  }).execute();
  return deployment;
}
