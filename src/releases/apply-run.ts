import { recordEvent } from "../audit/record-event.ts";
import type { RunState } from "../connectors/ci-providers/ci-provider.ts";
import type { Context } from "../context.ts";
import { deployWhenReady } from "../deployments/deploy-when-ready.ts";
import type { BuildStatus, ReleaseCandidate } from "./release-candidate.ts";
import { findCandidateById, moveBuild } from "./release-candidate-store.ts";

/** What the state of its run means for the build of a candidate. */
const STATUS_OF = {
  queued: "pending",
  running: "building",
  success: "ready",
  failure: "failed",
  canceled: "canceled",
  error: "error",
} as const satisfies Record<RunState, BuildStatus>;

const OPEN: readonly BuildStatus[] = ["pending", "building"];

/** Gives a candidate the state of its build, in the caller's transaction; one that has ended stays as it is. */
export async function applyRunToCandidate(
  tx: Context,
  candidateId: string,
  state: RunState,
  message: string,
): Promise<void> {
  const candidate = await findCandidateById(tx.db, candidateId);
  const status = STATUS_OF[state];
  if (!candidate || candidate.buildStatus === status || status === "pending") return;
  const error = status === "ready" || status === "building" ? "" : message;
  if (!(await moveBuild(tx.db, candidate.id, OPEN, { status, error }))) return;
  await tell(tx, candidate, status, message);
  if (status === "ready") await deployWhenReady(tx, { ...candidate, buildStatus: status });
}

const tell = (
  tx: Context,
  candidate: ReleaseCandidate,
  status: BuildStatus,
  message: string,
): Promise<void> =>
  recordEvent(tx, {
    kind:
      status === "ready"
        ? "candidate.ready"
        : status === "building"
          ? "candidate.building"
          : "candidate.failed",
    projectId: candidate.projectId,
    subjectId: candidate.id,
    before: { buildStatus: candidate.buildStatus },
    after: { version: candidate.version, buildStatus: status, message },
  });

/** What a build makes, as JSON. */
export async function candidateRelease(ctx: Context, candidateId: string): Promise<string> {
  const candidate = await findCandidateById(ctx.db, candidateId);
  if (!candidate) return "{}";
  const { version, releaseVersion, commit, cutId } = candidate;
  return JSON.stringify({ cut: cutId, version, releaseVersion, commit });
}
