import type { Context } from "../context.ts";
import type { RunLook } from "./run-look.ts";
import { lockServed, tellState } from "./run-purpose.ts";
import type { RunLedgerState } from "./workflow-run.ts";
import { changeRun, type RunEntry } from "./workflow-run-store.ts";

const OPEN: readonly RunLedgerState[] = ["intended", "sent", "accepted", "unclear", "lost", "started"];

/** Ends an entry of the ledger and tells what it served how it ended, in the caller's transaction. */
export async function endRun(
  tx: Context,
  run: RunEntry,
  outcome: "success" | "failure" | "canceled" | "error" | "refused",
  message: string,
): Promise<void> {
  const now = tx.now();
  await lockServed(tx, run);
  const state = outcome === "refused" ? "refused" : "ended";
  if (!(await changeRun(tx.db, run.id, OPEN, { state, message, endedAt: now, seenAt: now }))) return;
  await tellState(tx, run, outcome === "refused" ? "error" : outcome, message);
}

/** Ends the entry that was looked at; there will be no further look. */
export async function endLook(look: RunLook, outcome: "canceled" | "error", message: string): Promise<null> {
  await look.commit((tx) => endRun(tx, look.run, outcome, message));
  return null;
}
