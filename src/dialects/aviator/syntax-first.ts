import { DomainError, isDomainError } from "../../kernel/errors.ts";
import { readCandidateVersion } from "../../releases/release-candidate.ts";

const invalid = (version: string): DomainError =>
  new DomainError("CANDIDATE_INVALID", `${version} does not end in -rc and a number`);

/** Throws CANDIDATE_INVALID unless the text has the form of a candidate's version. */
export function requireCandidate(version: string): void {
  if (!readCandidateVersion(version)) throw invalid(version);
}

/**
 * A wrong version is said before all that may be unknown. But what has no candidate's form may be the version of a release
 * without candidates, which is deployed under exactly that text: so only where there is none the form counts as wrong.
 */
export async function formFirst<T>(version: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isUnknown = isDomainError(error, "PROJECT_NOT_FOUND", "ENVIRONMENT_NOT_FOUND", "RELEASE_NOT_FOUND");
    throw isUnknown && !readCandidateVersion(version) ? invalid(version) : error;
  }
}
