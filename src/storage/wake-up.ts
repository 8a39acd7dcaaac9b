import type { Database } from "./database.ts";
import { servicesOf } from "./engine-services.ts";
import { afterCommit } from "./transaction.ts";

/**
 * Wakes whoever listens on the channel, once what the transaction wrote can be seen; not at all when it is
 * rolled back. Many calls at once may be one wake-up, and one may be lost: listeners also poll.
 */
export const wakeUp = (db: Database, channel: string): void =>
  afterCommit(db, () => servicesOf(db).wakeUps.send(channel));

/** Calls `wake` when the channel is woken, also by other processes where the engine can. Returns how to stop. */
export const onWakeUp = (db: Database, channel: string, wake: () => void): (() => void) =>
  servicesOf(db).wakeUps.listen(channel, wake);
