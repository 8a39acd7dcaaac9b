import { inspectRun, readRecord } from "./inspect-run.ts";
import { HERE, signalGroup } from "./process-identity.ts";
import { RUN_FILES, writeRecord } from "./run-files.ts";
import { type CancelMark, ProcessRecord } from "./run-records.ts";

/**
 * Asks the program's process group to end, or ends it; null: there is no such run here. The mark comes first, for a
 * wrapper that has not yet written down which process the program is looks for it afterwards; and it tells a cancelled
 * run from one that failed by itself.
 */
export async function cancelRun(folder: string, force: boolean): Promise<"asked" | "over" | null> {
  const facts = await inspectRun(folder);
  if (!facts) return null;
  if (facts.end || facts.life === "gone") return "over";
  const mark: CancelMark = { force, place: HERE };
  writeRecord(folder, RUN_FILES.cancel, mark);
  const program = await readRecord(folder, RUN_FILES.program, ProcessRecord);
  const sent = program !== null && signalGroup(program, force ? "SIGKILL" : "SIGTERM");
  // Without us the wrapper may have seen the mark first, or will: it alone knows what came of it.
  return sent || facts.life === "watched" ? "asked" : "over";
}
