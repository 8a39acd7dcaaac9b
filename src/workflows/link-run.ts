import type { Context } from "../context.ts";
import { isTaken } from "./provider-run-store.ts";
import { changeRun, type RunEntry } from "./workflow-run-store.ts";

/** The provider's run that belongs to an entry. */
export interface ProvidersRun {
  readonly run: string;
  readonly url: string | null;
}

/** Binds a run to its entry, in the caller's transaction. False: it belongs to another entry, or this one is bound. */
export async function linkRun(tx: Context, entry: RunEntry, found: ProvidersRun): Promise<boolean> {
  if (await isTaken(tx.db, entry, found.run)) return false;
  const now = tx.now();
  return await changeRun(tx.db, entry.id, ["sent", "accepted", "unclear", "lost"], {
    state: "started",
    providerRun: found.run,
    provisional: false,
    url: found.url,
    message: "",
    startedAt: now,
    seenAt: now,
  });
}
