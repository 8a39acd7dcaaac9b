import type { Context } from "../context.ts";
import { environmentsThatWait, type Places } from "./queue-store.ts";
import { lookAgain } from "./start-queued-request.ts";

/** Has whatever waits in these environments looked at, in the caller's transaction: a gate may have opened. */
export async function lookAgainEverywhere(tx: Context, places: Places): Promise<void> {
  for (const id of await environmentsThatWait(tx.db, places)) await lookAgain(tx, id);
}
