import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { imageToRun, pinnedReference } from "../releases/release-item.ts";
import { listItems } from "../releases/release-item-store.ts";
import type { WorkflowValues } from "../workflows/workflow-inputs.ts";
import type { Deployable } from "./deployable.ts";
import type { Deployment } from "./deployment.ts";

/** What a workflow can be told of a deployment. */
export async function deploymentValues(
  tx: Context,
  environment: Environment,
  deployment: Deployment,
  target: Deployable,
): Promise<Omit<WorkflowValues, "run">> {
  return {
    id: String(deployment.number),
    commit: target.candidate?.commit ?? "",
    version: deployment.version,
    releaseVersion: deployment.releaseVersion,
    candidateNumber: target.candidate ? String(target.candidate.number) : "",
    fromVersion: deployment.fromVersion ?? "",
    environment: environment.name,
    actor: deployment.actorName,
    isRollback: deployment.kind === "rollback",
    images: target.content ? await imagesOf(tx, target.content.id) : {},
  };
}

/** `ref@digest` by service; where a service has several images, by `service/container` too. */
export async function imagesOf(tx: Context, contentId: string): Promise<Record<string, string>> {
  const images: Record<string, string> = {};
  for (const item of await listItems(tx.db, contentId)) {
    const reference = pinnedReference(item) ?? imageToRun(item);
    images[item.serviceName] ??= reference;
    images[`${item.serviceName}/${item.containerName}`] = reference;
  }
  return images;
}
