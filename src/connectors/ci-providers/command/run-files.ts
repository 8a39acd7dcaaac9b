import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CancelMark } from "./run-records.ts";

/** What lies in a run's directory. The log's pieces are `log-<offset>`. */
export const RUN_FILES = {
  claim: "claim.json",
  release: "release.json",
  program: "program.json",
  cancel: "cancel.json",
  end: "end.json",
} as const;

/** A directory whose run is not claimed yet; nobody reads it. */
export const DRAFT_PREFIX = ".new-";

/** Makes the names in a directory survive a power cut. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Writes a record whole or not at all, also through a power cut; replaces one that is there. */
export function writeRecord(folder: string, name: string, record: object): void {
  const draft = join(folder, `${name}.${process.pid}.new`);
  writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
  renameSync(draft, join(folder, name));
  syncFolder(folder);
}

/** The mark that somebody asked for the run's end; null: nobody has, as far as can be read. */
export function readCancelMark(folder: string): CancelMark | null {
  try {
    return JSON.parse(readFileSync(join(folder, RUN_FILES.cancel), "utf8")) as CancelMark;
  } catch {
    return null;
  }
}

/** The system's word for what went wrong, such as ENOENT; never a path. */
export const systemCodeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
