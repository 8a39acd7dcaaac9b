import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import type { WorkflowRun } from "../workflows/workflow-run.ts";
import { runsOf } from "../workflows/workflow-run-store.ts";
import type { BadMark } from "./bad-mark.ts";
import { findMark } from "./bad-mark-store.ts";
import type { WhichVersion } from "./mark-bad.ts";
import type { ReleaseCandidate } from "./release-candidate.ts";
import { findCandidate } from "./release-candidate-store.ts";

/** A candidate, what was said of it, and the attempts to build it. */
export interface DescribedCandidate {
  readonly candidate: ReleaseCandidate;
  readonly badMark: BadMark | null;
  readonly runs: readonly WorkflowRun[];
}

/** The candidate of this version. Needs a viewer. Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND. */
export async function getCandidate(ctx: Context, input: WhichVersion): Promise<DescribedCandidate> {
  const project = await getProject(ctx, input.projectKey);
  const candidate = await findCandidate(ctx.db, project.id, input.version);
  if (!candidate)
    throw new DomainError(
      "RELEASE_NOT_FOUND",
      `The project ${project.key} has no candidate ${input.version}`,
    );
  return {
    candidate,
    badMark: await findMark(ctx.db, project.id, input.version),
    runs: await runsOf(ctx.db, { deploymentNumber: null, candidateId: candidate.id }),
  };
}
