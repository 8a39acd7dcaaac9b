import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { takeNumber } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { newId } from "../kernel/id.ts";
import type { Deployable } from "./deployable.ts";
import type { Deployment, DeploymentKind, DeploymentOrigin, ForcedGate } from "./deployment.ts";
import { addToHistory } from "./deployment-history-store.ts";
import { findDeployment, insertDeployment } from "./deployment-store.ts";

/** How a deployment comes to be. */
export interface Acceptance {
  readonly kind: DeploymentKind;
  readonly origin: DeploymentOrigin;
  /** What the environment is moving away from; null: nothing ran there. */
  readonly from: Pick<Deployment, "version" | "releaseVersion"> | null;
  /** Of a rollback: the deployment that it leaves. */
  readonly leaves: number | null;
  readonly forced: readonly ForcedGate[];
  readonly forceReason: string | null;
}

/** Writes a pending deployment down, in the caller's transaction, which has locked the environment. Starts nothing. */
export async function acceptDeployment(
  tx: Context,
  environment: Environment,
  target: Deployable,
  acceptance: Acceptance,
): Promise<Deployment> {
  const now = tx.now();
  const deployment = await insertDeployment(tx.db, {
    id: newId(now),
    projectId: environment.projectId,
    environmentId: environment.id,
    environmentNumber: await takeNumber(tx.db, environment),
    releaseId: target.releaseId,
    candidateId: target.candidate?.id ?? null,
    contentId: target.content?.id ?? null,
    releaseVersion: target.releaseVersion,
    version: target.version,
    kind: acceptance.kind,
    origin: acceptance.origin,
    ours: acceptance.origin !== "report" && environment.workflowId !== null,
    status: "pending",
    started: false,
    waitsFor: "",
    error: null,
    fromReleaseVersion: acceptance.from?.releaseVersion ?? null,
    fromVersion: acceptance.from?.version ?? null,
    leavesNumber: acceptance.leaves,
    actorName: tx.actor.name,
    actorUserId: tx.actor.userId,
    forced: [...acceptance.forced],
    forceReason: acceptance.forceReason,
    requestedAt: now,
    startedAt: now,
    endedAt: null,
  });
  await addToHistory(tx.db, deployment.number, {
    status: "pending",
    source: acceptance.origin === "report" ? "report" : "headgate",
    actorName: tx.actor.name,
    message: "",
    at: now,
  }).execute();
  await recordEvent(tx, {
    kind: acceptance.origin === "report" ? "deployment.reported" : "deployment.requested",
    projectId: deployment.projectId,
    subjectId: deployment.id,
    after: { ...deployment, environment: environment.name },
  });
  return deployment;
}

/** What runs in an environment. */
export const currentOf = async (tx: Context, environment: Environment): Promise<Deployment | null> =>
  environment.currentDeployment === null ? null : findDeployment(tx.db, environment.currentDeployment);
