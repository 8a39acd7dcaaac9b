import type { Database } from "../storage/database.ts";
import { assembleProgress, type ProgressParts } from "./assemble-progress.ts";
import { isRunning } from "./distribution.ts";
import { changesSince, type DistributionProgress } from "./distribution-progress.ts";
import { type CopyReport, parseCopyReport } from "./moving-bytes.ts";
import {
  listItemBlobs,
  listProgressBlobs,
  type ProgressStep,
  type ReportedDistribution,
} from "./progress-store.ts";

/** An edition of a distribution's progress. */
export interface ProgressEdition {
  readonly number: number;
  /** The edition that `changes` are for; null for the first one. */
  readonly before: number | null;
  readonly whole: DistributionProgress;
  readonly changes: DistributionProgress;
}

/** The latest edition of a distribution, and what it was made from. */
export interface Watched {
  readonly edition: ProgressEdition;
  readonly parts: ProgressParts;
  /** What the rows were like when `parts` were read. */
  readonly mark: string;
  readonly reportJson: string | null;
  /** Since when the report is the same, by the clock of `performance.now()`. */
  readonly reportedAt: number;
  /** When its end was seen, by the same clock; null while it is under way. */
  readonly endedAt: number | null;
}

/** A task that moves bytes reports every second: one that is silent for so long does not go on. */
const SILENT_MILLIS = 5_000;

let lastNumber = 0;

/** Looks at one distribution again; the edition is the same when nothing is new. */
export async function watchAgain(
  db: Database,
  found: ReportedDistribution,
  steps: readonly ProgressStep[],
  before: Watched | null,
): Promise<Watched> {
  const { distribution, reportJson } = found;
  const { id, status, attempt, totalBytes, verifiedBytes } = distribution;
  const mark = JSON.stringify([status, attempt, totalBytes, verifiedBytes, steps]);
  const parts =
    before?.mark === mark
      ? before.parts
      : { steps, blobs: await listProgressBlobs(db, id), itemBlobs: await listItemBlobs(db, id) };
  const now = performance.now();
  const reportedAt = before?.reportJson === reportJson ? before.reportedAt : now;
  const report = heardSince(parseCopyReport(reportJson), now - reportedAt);
  const edition = nextEdition(before?.edition ?? null, assembleProgress(found, report, parts));
  const endedAt = isRunning(status) ? null : (before?.endedAt ?? now);
  return { edition, parts, mark, reportJson, reportedAt, endedAt };
}

const heardSince = (report: CopyReport, silentMillis: number): CopyReport =>
  silentMillis < SILENT_MILLIS ? report : { ...report, bytesPerSecond: 0 };

function nextEdition(before: ProgressEdition | null, whole: DistributionProgress): ProgressEdition {
  const changes = before === null ? whole : changesSince(before.whole, whole);
  if (before !== null && changes === null) return before;
  lastNumber += 1;
  return { number: lastNumber, before: before?.number ?? null, whole, changes: changes ?? whole };
}
