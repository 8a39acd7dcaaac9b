import { setTimeout as sleep } from "node:timers/promises";
import { UnreachableError } from "../api/client.ts";
import { harmless, note } from "./output.ts";

/** How long a watcher waits between two looks. */
export const POLL_MILLIS = 500;
/** A server that restarts goes on with its work: a watcher should still be there then. */
const PATIENCE_MILLIS = 120_000;

/** Looks again and again while no server answers. Throws what a look throws otherwise, and UnreachableError at last. */
export async function patiently<T>(look: () => Promise<T>): Promise<T> {
  const givesUpAt = Date.now() + PATIENCE_MILLIS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof UnreachableError) || Date.now() > givesUpAt) throw error;
      if (attempt === 1) note(`No answer from the server (${harmless(error.message)}); still trying.`);
      await sleep(POLL_MILLIS);
    }
  }
}
