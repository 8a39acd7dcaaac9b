import { chmodSync, chownSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify } from "./process-identity.ts";
import { DRAFT_PREFIX, RUN_FILES, syncFolder, systemCodeOf, writeRecord } from "./run-files.ts";
import type { RunOrder } from "./run-order.ts";
import type { RunClaim } from "./run-records.ts";

/**
 * Claims a run for this process and returns its directory; null: it is claimed already. The directory is made beside and
 * gets its name with all that it must hold, so a run is never claimed by nobody known: a rename onto a directory that
 * has something in it fails.
 */
export function claimRun(order: RunOrder): string | null {
  const folder = join(order.runsDirectory, order.id);
  if (existsSync(folder)) return null;
  const draft = mkdtempSync(join(order.runsDirectory, DRAFT_PREFIX));
  try {
    fill(draft, order);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (["ENOTEMPTY", "EEXIST"].includes(systemCodeOf(error))) return null;
    throw error;
  }
  syncFolder(order.runsDirectory);
  return folder;
}

function fill(draft: string, order: RunOrder): void {
  const wrapper = identify(process.pid);
  if (!wrapper) throw new Error("This system does not tell when a process began");
  const release = join(draft, RUN_FILES.release);
  writeFileSync(release, order.releaseJson, { mode: 0o600, flush: true });
  if (order.account) {
    // The program's user may pass through, and read this file alone.
    chownSync(release, order.account.uid, order.account.gid);
    chmodSync(draft, 0o711);
  }
  const claim: RunClaim = {
    id: order.id,
    program: order.program,
    wrapper,
    claimedAt: new Date().toISOString(),
  };
  writeRecord(draft, RUN_FILES.claim, claim);
}
