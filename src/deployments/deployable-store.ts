import type { Database } from "../storage/database.ts";
import { findCandidate, findCandidateById } from "../releases/release-candidate-store.ts";
import type { Deployable, DeployableContent } from "./deployable.ts";
import type { Deployment } from "./deployment.ts";

/** What this version text means in a project: the candidate, else the release of exactly that text without candidates. */
export async function findDeployable(
  db: Database,
  projectId: string,
  version: string,
): Promise<Deployable | null> {
  const candidate = await findCandidate(db, projectId, version);
  if (candidate)
    return {
      projectId,
      releaseId: candidate.releaseId,
      releaseVersion: candidate.releaseVersion,
      version,
      candidate,
      content: await contentOf(db, candidate.releaseId),
    };
  const release = await db
    .selectFrom("releases as release")
    .select(["release.id", "release.version"])
    .where("release.project_id", "=", projectId)
    .where("release.version", "=", version)
    .where((row) =>
      row.not(
        row.exists(
          row
            .selectFrom("release_candidates as candidate")
            .select("candidate.id")
            .whereRef("candidate.release_id", "=", "release.id"),
        ),
      ),
    )
    .executeTakeFirst();
  const content = release && (await contentOf(db, release.id));
  if (!content) return null;
  return { projectId, releaseId: release.id, releaseVersion: version, version, candidate: null, content };
}

/** What a deployment deploys, as it is by now. */
export async function deployableOf(db: Database, deployment: Deployment): Promise<Deployable> {
  const { projectId, releaseId, releaseVersion, version, candidateId, contentId } = deployment;
  return {
    projectId,
    releaseId,
    releaseVersion,
    version,
    candidate: candidateId === null ? null : await findCandidateById(db, candidateId),
    content: candidateId === null ? await contentById(db, contentId) : await contentOf(db, releaseId),
  };
}

/** Which contents of these deployments have not been deleted, by id. */
export async function contentsThatAreThere(
  db: Database,
  deployments: readonly Deployment[],
): Promise<ReadonlySet<string>> {
  const ids = new Set(deployments.flatMap(({ contentId }) => (contentId === null ? [] : [contentId])));
  if (ids.size === 0) return new Set();
  const rows = await db
    .selectFrom("release_contents")
    .select("id")
    .where("id", "in", [...ids])
    .where("deleted_at", "is", null)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

const contentOf = (db: Database, releaseId: string): Promise<DeployableContent | null> =>
  contentWhere(db, "release_id", releaseId);

const contentById = async (db: Database, id: string | null): Promise<DeployableContent | null> =>
  id === null ? null : contentWhere(db, "id", id);

async function contentWhere(
  db: Database,
  column: "id" | "release_id",
  id: string,
): Promise<DeployableContent | null> {
  const row = await db
    .selectFrom("release_contents")
    .select(["id", "distribution_status"])
    .where(column, "=", id)
    .where("deleted_at", "is", null)
    .executeTakeFirst();
  return row ? { id: row.id, isCopied: row.distribution_status === "success" } : null;
}
