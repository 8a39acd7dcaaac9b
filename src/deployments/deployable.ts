import type { ReleaseCandidate } from "../releases/release-candidate.ts";

/** What can be deployed: a candidate, or a release without candidates that contains something. */
export interface Deployable {
  readonly projectId: string;
  readonly releaseId: string;
  readonly releaseVersion: string;
  readonly version: string;
  /** Null: the release itself. */
  readonly candidate: ReleaseCandidate | null;
  readonly content: DeployableContent | null;
}

/** What the release contains, and whether all of it is at its target. */
export interface DeployableContent {
  readonly id: string;
  readonly isCopied: boolean;
}

/** Why it cannot be deployed yet, and what would change that; null: it can. */
export function unreadiness({ candidate, content }: Deployable): {
  readonly text: string;
  readonly condition: string;
} | null {
  if (!candidate && !content)
    return { text: "the release contains nothing any more", condition: "a release that contains something" };
  if (candidate && candidate.buildStatus !== "ready") {
    const { buildStatus, buildError } = candidate;
    const why = buildError === "" ? "" : `: ${buildError}`;
    return { text: `its build is ${buildStatus}${why}`, condition: "the build succeeds" };
  }
  if (content && !content.isCopied)
    return { text: "its images are not all at their target", condition: "the copy succeeds" };
  return null;
}
