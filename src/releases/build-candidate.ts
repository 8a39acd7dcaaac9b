import type { Context } from "../context.ts";
import type { Project } from "../projects/project.ts";
import { requestRun } from "../workflows/request-run.ts";
import { workflowInputs } from "../workflows/workflow-inputs.ts";
import { findWorkflowById } from "../workflows/workflow-store.ts";
import type { ReleaseCandidate } from "./release-candidate.ts";
import { moveBuild } from "./release-candidate-store.ts";

/** Asks for the build of a candidate, for the first time or once more after one that did not succeed; in the caller's transaction. */
export async function buildCandidate(
  tx: Context,
  project: Project,
  candidate: ReleaseCandidate,
): Promise<ReleaseCandidate> {
  const workflow = await findWorkflowById(tx.db, project.buildWorkflowId ?? "");
  if (!workflow) throw new Error(`project ${project.key} has no build workflow`);
  const pending = { status: "pending", error: "" } as const;
  if (!(await moveBuild(tx.db, candidate.id, ["pending", "failed", "canceled", "error"], pending)))
    return candidate;
  await requestRun(tx, {
    project,
    workflow,
    purpose: "build",
    deploymentNumber: null,
    candidateId: candidate.id,
    inputs: (run) =>
      workflowInputs(workflow, "build", {
        run,
        id: String(candidate.cutId),
        commit: candidate.commit,
        version: candidate.version,
        releaseVersion: candidate.releaseVersion,
        candidateNumber: String(candidate.number),
        fromVersion: "",
        environment: "",
        actor: candidate.createdBy,
        isRollback: false,
        images: {},
      }),
  });
  return { ...candidate, buildStatus: "pending", buildError: "" };
}
