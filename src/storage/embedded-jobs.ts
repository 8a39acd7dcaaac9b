import type { EmbeddedFile } from "./embedded-file.ts";
import {
  failureOf,
  type JobOutcome,
  type Statement,
  type StatementResult,
  type WriteJob,
} from "./embedded-protocol.ts";

const statement = (sql: string): Statement => ({ sql, parameters: [] });
export const BEGIN = statement("begin immediate");
export const COMMIT = statement("commit");
const SAVEPOINT = statement("savepoint job");
const RELEASE = statement("release job");
const ROLL_BACK_JOB = statement("rollback to job");

/**
 * Group commit: runs the jobs in one transaction, so that one sync to the disk serves them all.
 * A job that fails, fails alone. When the commit fails, every job has failed.
 */
export function runJobs(file: EmbeddedFile, jobs: readonly WriteJob[]): readonly JobOutcome[] {
  try {
    file.run(BEGIN);
    const outcomes = jobs.map((job) => runJob(file, job));
    file.run(COMMIT);
    return outcomes;
  } catch (error) {
    file.rollback();
    const failure = failureOf(error);
    return jobs.map(() => ({ failure }));
  }
}

function runJob(file: EmbeddedFile, job: WriteJob): JobOutcome {
  // SQLite undoes a single statement that fails by itself.
  const several = job.statements.length > 1;
  if (several) file.run(SAVEPOINT);
  try {
    const value = runStatements(file, job);
    if (several && value === null) file.run(ROLL_BACK_JOB);
    if (several) file.run(RELEASE);
    return { value };
  } catch (error) {
    // A full disk and its like end the whole transaction: then the group fails, not this job alone.
    if (!file.inTransaction()) throw error;
    if (several) {
      file.run(ROLL_BACK_JOB);
      file.run(RELEASE);
    }
    return { failure: failureOf(error) };
  }
}

function runStatements(file: EmbeddedFile, job: WriteJob): readonly StatementResult[] | null {
  const results: StatementResult[] = [];
  for (const each of job.statements) {
    const result = file.run(each);
    if (job.guard === results.length && !result.written) return null;
    results.push(result);
  }
  return results;
}
