import type { Logger } from "pino";
import type { Database } from "../storage/database.ts";
import { onWakeUp } from "../storage/wake-up.ts";
import { startPacer } from "../tasks/pacer.ts";
import { EVENTS_SEALED } from "./event-store.ts";
import type { LiveEvent } from "./event.ts";
import { listLastSequences, listLiveEvents } from "./live-event-store.ts";

/*
 * One look at the database serves everybody in this process who follows a chain: it asks how far the chains have
 * grown, and keeps their newest events. A reader pulls what is behind the sequence that it had last, from there or, when it
 * is further behind, from the database. So nothing is kept for a reader who is slow, and each gets every event once.
 */

/** Follows chains for many readers at once. */
export interface EventFollower {
  /** Calls `wake` whenever the chain may have grown, until the returned function is called. */
  follow(chain: string, wake: () => void): () => void;
  /** What comes behind this sequence, in order, so many at most; empty while there is nothing. */
  next(chain: string, after: number): Promise<readonly LiveEvent[]>;
  stop(): Promise<void>;
}

/** A chain that somebody follows. */
interface Followed {
  /** Null until the first look. */
  newest: number | null;
  /** The newest events, without a gap up to `newest`. */
  recent: readonly LiveEvent[];
  readonly wakes: Set<() => void>;
}

const RECENT_EVENTS = 500;
const PAGE = 200;
/** Wake-ups may get lost. */
const POLL_MILLIS = 1_000;

export function followEvents({ db, log }: { readonly db: Database; readonly log: Logger }): EventFollower {
  const chains = new Map<string, Followed>();
  let healthy = true;

  async function look(): Promise<void> {
    const asked = [...chains];
    if (asked.length === 0) return;
    const newest = await listLastSequences(
      db,
      asked.map(([chain]) => chain),
    );
    for (const [chain, followed] of asked) await catchUp(chain, followed, newest.get(chain) ?? 0);
  }

  async function catchUp(chain: string, followed: Followed, newest: number): Promise<void> {
    const known = followed.newest;
    if (known !== null && known >= newest) return;
    if (known === null || newest - known > RECENT_EVENTS) {
      followed.recent = [];
      followed.newest = newest;
    } else {
      const fresh = await listLiveEvents(db, chain, known, RECENT_EVENTS);
      followed.recent = [...followed.recent, ...fresh].slice(-RECENT_EVENTS);
      followed.newest = fresh.at(-1)?.sequence ?? newest;
    }
    for (const wake of followed.wakes) wake();
  }

  const pacer = startPacer(async () => {
    try {
      await look();
      healthy = true;
    } catch (error) {
      // Once, not at every poll, for as long as it lasts.
      if (healthy) log.warn({ err: error }, "events cannot be followed at the moment");
      healthy = false;
    }
    return POLL_MILLIS;
  });
  const deafen = onWakeUp(db, EVENTS_SEALED, () => pacer.wake());

  return {
    follow(chain, wake) {
      const followed = chains.get(chain) ?? { newest: null, recent: [], wakes: new Set() };
      chains.set(chain, followed);
      followed.wakes.add(wake);
      if (followed.newest === null) pacer.wake();
      return () => {
        followed.wakes.delete(wake);
        if (followed.wakes.size === 0 && chains.get(chain) === followed) chains.delete(chain);
      };
    },
    async next(chain, after) {
      const { newest = null, recent = [] } = chains.get(chain) ?? {};
      if (newest !== null && after >= newest) return [];
      if (recent[0] && recent[0].sequence <= after + 1)
        return recent.filter(({ sequence }) => sequence > after).slice(0, PAGE);
      return listLiveEvents(db, chain, after, PAGE);
    },
    async stop() {
      deafen();
      await pacer.stop();
    },
  };
}
