import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { Version } from "./release.ts";

/**
 * How the build of a candidate is. Without a build it is `ready` at once.
 *
 * pending (asked for) → building → ready | failed | canceled | error; pending → the same ends.
 * failed, canceled, error → (asked for again) pending. Nothing leaves ready.
 */
export const BuildStatus = z.enum(["pending", "building", "ready", "failed", "canceled", "error"]);
export type BuildStatus = z.output<typeof BuildStatus>;

/** The parts of a candidate's version. */
export interface CandidateVersion {
  /** The whole: `1.2.3-rc4`. */
  readonly text: string;
  readonly release: string;
  readonly number: number;
}

const MAX_NUMBER = 2 ** 31 - 1;
const MAX_LENGTH = 200;

/** What git allows in no name of a branch (git-check-ref-format), for a candidate's version becomes one. */
const NOT_IN_REFS = /\.\.|[~^:?*[\\\s]|@\{|\.lock$|^\.|\/|\p{Cc}/u;

/**
 * Reads `<release>-rc<number>`: the last `-rc` counts, the number is 1 or more without leading zeros.
 * Null when it is none (Aviator's API document; notes, section 2.1).
 */
export function readCandidateVersion(text: unknown): CandidateVersion | null {
  if (typeof text !== "string" || text.length > MAX_LENGTH || NOT_IN_REFS.test(text)) return null;
  const [, release = "", digits = ""] = /^(.+)-rc([1-9][0-9]{0,9})$/.exec(text) ?? [];
  const number = Number(digits);
  if (!Version.safeParse(release).success || number > MAX_NUMBER) return null;
  return { text, release, number };
}

/** A full hash of a commit, SHA-1 or SHA-256. */
export const CommitSha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "must be a full commit hash");

/** A numbered build of a release from one commit, which never changes. */
export const ReleaseCandidate = z.object({
  id: Id,
  /** What CI systems know it by. */
  cutId: z.int(),
  releaseId: Id,
  projectId: Id,
  releaseVersion: z.string(),
  version: z.string(),
  number: z.int(),
  commit: CommitSha,
  buildStatus: BuildStatus,
  buildError: z.string(),
  createdBy: z.string(),
  createdByUserId: z.string().nullable(),
  createdAt: Instant,
});
export type ReleaseCandidate = z.output<typeof ReleaseCandidate>;
