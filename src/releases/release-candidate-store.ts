import type { Selectable } from "kysely";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import { BuildStatus, type ReleaseCandidate } from "./release-candidate.ts";

type Row = Selectable<Tables["release_candidates"]> & { readonly release_version: string };

const toCandidate = (row: Row): ReleaseCandidate => ({
  id: row.id,
  cutId: row.cut_id,
  releaseId: row.release_id,
  projectId: row.project_id,
  releaseVersion: row.release_version,
  version: row.version,
  number: row.number,
  commit: row.commit_sha,
  buildStatus: BuildStatus.parse(row.build_status),
  buildError: row.build_error,
  createdBy: row.created_by,
  createdByUserId: row.created_by_user_id,
  createdAt: fromMillis(row.created_at),
});

const candidates = (db: Database) =>
  db
    .selectFrom("release_candidates as candidate")
    .innerJoin("releases as release", "release.id", "candidate.release_id")
    .selectAll("candidate")
    .select("release.version as release_version");

/** Writes a new candidate; the database gives it its id for CI systems. Null: the project has one of this version. */
export async function insertCandidate(
  tx: Database,
  candidate: Omit<ReleaseCandidate, "cutId">,
): Promise<ReleaseCandidate | null> {
  const row = await tx
    .insertInto("release_candidates")
    .values({
      id: candidate.id,
      release_id: candidate.releaseId,
      project_id: candidate.projectId,
      version: candidate.version,
      number: candidate.number,
      commit_sha: candidate.commit,
      build_status: candidate.buildStatus,
      build_error: candidate.buildError,
      created_by: candidate.createdBy,
      created_by_user_id: candidate.createdByUserId,
      created_at: candidate.createdAt.getTime(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning("cut_id")
    .executeTakeFirst();
  return row ? { ...candidate, cutId: row.cut_id } : null;
}

export async function findCandidate(
  db: Database,
  projectId: string,
  version: string,
): Promise<ReleaseCandidate | null> {
  const row = await candidates(db)
    .where("candidate.project_id", "=", projectId)
    .where("candidate.version", "=", version)
    .executeTakeFirst();
  return row ? toCandidate(row) : null;
}

export async function findCandidateById(db: Database, id: string): Promise<ReleaseCandidate | null> {
  const row = await candidates(db).where("candidate.id", "=", id).executeTakeFirst();
  return row ? toCandidate(row) : null;
}

export async function findCandidateByCutId(db: Database, cutId: number): Promise<ReleaseCandidate | null> {
  const row = await candidates(db).where("candidate.cut_id", "=", cutId).executeTakeFirst();
  return row ? toCandidate(row) : null;
}

/** A project's candidates with a cut id below `before`, newest first; null: from the newest on. */
export async function listCandidatesBefore(
  db: Database,
  projectId: string,
  before: number | null,
  limit: number,
): Promise<ReleaseCandidate[]> {
  const rows = await candidates(db)
    .where("candidate.project_id", "=", projectId)
    .$if(before !== null, (query) => query.where("candidate.cut_id", "<", before ?? 0))
    .orderBy("candidate.cut_id", "desc")
    .limit(limit)
    .execute();
  return rows.map(toCandidate);
}

/** Changes how the build is, from one of these states. False: it was in none of them. */
export async function moveBuild(
  tx: Database,
  id: string,
  from: readonly BuildStatus[],
  to: { readonly status: BuildStatus; readonly error: string },
): Promise<boolean> {
  const result = await tx
    .updateTable("release_candidates")
    .set({ build_status: to.status, build_error: to.error })
    .where("id", "=", id)
    .where("build_status", "in", [...from])
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** The release stands for the commit of its candidate with the highest number: for this one's, unless a higher one is there. */
export async function setReleaseCommit(
  tx: Database,
  { releaseId, number, commit }: ReleaseCandidate,
): Promise<void> {
  await tx
    .updateTable("releases")
    .set({ commit_sha: commit })
    .where("id", "=", releaseId)
    .where((builder) =>
      builder.not(
        builder.exists(
          builder
            .selectFrom("release_candidates as candidate")
            .select("candidate.id")
            .where("candidate.release_id", "=", releaseId)
            .where("candidate.number", ">", number),
        ),
      ),
    )
    .execute();
}
