import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { deployWhenReady } from "../deployments/deploy-when-ready.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { type ProjectRef, resolveProject } from "../projects/get-project.ts";
import { lockProject } from "../projects/project-store.ts";
import type { Project } from "../projects/project.ts";
import { buildCandidate } from "./build-candidate.ts";
import { type CandidateVersion, type ReleaseCandidate, readCandidateVersion } from "./release-candidate.ts";
import { findCandidate, insertCandidate, setReleaseCommit } from "./release-candidate-store.ts";
import { ensureRelease, isVersionTaken } from "./release-store.ts";
import { resolveCommit } from "./resolve-commit.ts";

export interface CutRelease {
  readonly project: ProjectRef;
  /** `<release version>-rc<number>` */
  readonly version: string;
  /** `org/name`; null: the project's own, which is the only one that it can be. */
  readonly repository: string | null;
  /** A hash of a commit, or the beginning of one. */
  readonly commit: string;
  /** Start the project's build; otherwise the candidate is ready at once. */
  readonly build: boolean;
}

/** A candidate, the project that it is in, and whether this call made it. */
export interface CutResult {
  readonly candidate: ReleaseCandidate;
  readonly projectKey: string;
  readonly isNew: boolean;
}

/**
 * Cuts a candidate of a release from a commit; the release comes into being with its first. The same again changes nothing, save
 * that a build that did not succeed is started again where one is asked for. Needs a releaser. In two parts, for the commit is
 * looked up outside. Throws CANDIDATE_INVALID, PROJECT_NOT_FOUND, FORBIDDEN, SOURCE_NOT_FOUND, COMMIT_INVALID, CANDIDATE_EXISTS,
 * RELEASE_EXISTS, and ExternalSystemError when the repository does not answer.
 */
export async function prepareCut(
  ctx: Context,
  input: CutRelease,
): Promise<(ctx: Context) => Promise<CutResult>> {
  const version = readCandidateVersion(input.version);
  if (!version)
    throw new DomainError(
      "CANDIDATE_INVALID",
      `${input.version} is no version of a candidate: <release>-rc<number>`,
    );
  const project = await resolveProject(ctx, input.project);
  requireRole(ctx, project.id, "releaser");
  const commit = await resolveCommit(ctx, project, input);
  return (recording) => inTransaction(recording, (tx) => record(tx, project, version, commit, input.build));
}

async function record(
  tx: Context,
  project: Project,
  version: CandidateVersion,
  commit: string,
  build: boolean,
): Promise<CutResult> {
  // Two doors lead to one name: neither may be gone through while the other is.
  await lockProject(tx.db, project.id);
  const found = await findCandidate(tx.db, project.id, version.text);
  const projectKey = project.key;
  if (found) return { candidate: await again(tx, project, found, commit, build), projectKey, isNew: false };
  if (await isVersionTaken(tx.db, project.id, version.text))
    throw new DomainError("RELEASE_EXISTS", `The project has a release ${version.text} already`, {
      version: version.text,
    });
  return { candidate: await insert(tx, project, version, commit, build), projectKey, isNew: true };
}

async function insert(
  tx: Context,
  project: Project,
  version: CandidateVersion,
  commit: string,
  build: boolean,
): Promise<ReleaseCandidate> {
  const now = tx.now();
  const builds = build && project.buildWorkflowId !== null;
  const releaseId = await ensureRelease(tx.db, project.id, version.release, now);
  const candidate = await insertCandidate(tx.db, {
    id: newId(now),
    releaseId,
    projectId: project.id,
    releaseVersion: version.release,
    version: version.text,
    number: version.number,
    commit,
    buildStatus: builds ? "pending" : "ready",
    buildError: "",
    createdBy: tx.actor.name,
    createdByUserId: tx.actor.userId,
    createdAt: now,
  });
  if (!candidate) throw new Error(`candidate ${version.text} came into being under the lock of its project`);
  await setReleaseCommit(tx.db, candidate);
  await recordEvent(tx, {
    kind: "candidate.created",
    projectId: project.id,
    subjectId: candidate.id,
    after: candidate,
  });
  if (builds) await buildCandidate(tx, project, candidate);
  else await deployWhenReady(tx, candidate);
  return candidate;
}

/** The same candidate is asked for once more. */
async function again(
  tx: Context,
  project: Project,
  candidate: ReleaseCandidate,
  commit: string,
  build: boolean,
): Promise<ReleaseCandidate> {
  if (candidate.commit !== commit)
    throw new DomainError(
      "CANDIDATE_EXISTS",
      `${candidate.version} was cut from ${candidate.commit.slice(0, 12)}, and a candidate never changes its commit`,
    );
  const ended = ["failed", "canceled", "error"].includes(candidate.buildStatus);
  if (!build || !ended || project.buildWorkflowId === null) return candidate;
  return await buildCandidate(tx, project, candidate);
}
