import type { FastifyReply } from "fastify";
import type { Deployment, DeploymentStatus } from "../../deployments/deployment.ts";
import type { NumberedPage } from "../../kernel/page.ts";
import type { ReleaseCandidate } from "../../releases/release-candidate.ts";

/** Aviator's word for each state; a new state fails to compile until it has one. */
const STATUS_WORDS = {
  pending: "pending",
  in_progress: "in_progress",
  success: "success",
  failure: "failure",
  canceling: "canceling",
  canceled: "canceled",
  error: "error",
  unknown: "unknown",
} as const satisfies Record<DeploymentStatus, string>;

/** A deployment, with exactly the keys of the document. A release without candidates has its own version in both places. */
export const presentDeployment = (deployment: Deployment, environmentName: string) => ({
  actor: deployment.actorUserId === null ? null : deployment.actorName,
  deploy_end_at: deployment.endedAt?.toISOString() ?? null,
  deploy_start_at: deployment.startedAt?.toISOString() ?? null,
  environment_name: environmentName,
  error_message: deployment.error,
  from_release_candidate_version: deployment.fromVersion,
  from_release_version: deployment.fromReleaseVersion,
  id: deployment.number,
  release_candidate_version: deployment.version,
  release_version: deployment.releaseVersion,
  status: STATUS_WORDS[deployment.status],
});

/** A candidate, for those who ask to see it; the document shows none. */
export const presentCandidate = (candidate: ReleaseCandidate) => ({
  build_status: candidate.buildStatus,
  commit: candidate.commit,
  created_at: candidate.createdAt.toISOString(),
  id: candidate.cutId,
  release_candidate_version: candidate.version,
  release_version: candidate.releaseVersion,
});

/** Where the other pages are, and how many items there are in all. */
export function addPageHeaders(
  reply: FastifyReply,
  path: string,
  { number, size }: NumberedPage,
  total: number,
): void {
  const last = Math.max(1, Math.ceil(total / size));
  const link = (rel: string, page: number): string => `<${path}?page=${page}&per_page=${size}>; rel="${rel}"`;
  const links = [
    link("first", 1),
    ...(number > 1 ? [link("prev", Math.min(number - 1, last))] : []),
    ...(number < last ? [link("next", number + 1)] : []),
    link("last", last),
  ];
  void reply.header("link", links.join(", ")).header("x-total-count", String(total));
}
