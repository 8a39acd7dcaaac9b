import type { Logger } from "pino";
import { EVENTS_SEALED } from "../audit/event-store.ts";
import type { Database } from "../storage/database.ts";
import { onWakeUp } from "../storage/wake-up.ts";
import { startPacer } from "../tasks/pacer.ts";
import { type ProgressEdition, type Watched, watchAgain } from "./progress-editions.ts";
import { listProgressSteps, listReported, listRunning } from "./progress-store.ts";

/*
 * One look at the database a second serves everybody in this process who follows projects. A distribution
 *   appears    when a look finds it under way; its first edition is whole.
 *   goes on    each look that finds something new makes a new edition, with what has changed since the one before.
 *   ends       with an edition that says how; it is forgotten a minute later, unless it is retried.
 * Every edition has a number of its own, so that a reader knows whether the changes are for it or it needs the whole.
 */

/** Follows distributions for many readers at once. */
export interface ProgressFollower {
  /** Calls `wake` when there is a new edition in the project, until the returned function is called. */
  follow(projectId: string, wake: () => void): () => void;
  /** The latest edition of each that is under way in the project, or ended in the last minute. */
  editions(projectId: string): readonly ProgressEdition[];
  stop(): Promise<void>;
}

const POLL_MILLIS = 1_000;
/** Between two looks at least, when events call for one. */
const SHORTEST_MILLIS = 500;
const FORGET_MILLIS = 60_000;

interface Followed {
  readonly wakes: Set<() => void>;
  readonly distributions: Map<string, Watched>;
}

export function followDistributions(options: {
  readonly db: Database;
  readonly log: Logger;
}): ProgressFollower {
  const { db, log } = options;
  const projects = new Map<string, Followed>();
  let lookedAt = -Infinity;
  let healthy = true;

  const pacer = startPacer(async () => {
    const pauseMillis = lookedAt + SHORTEST_MILLIS - performance.now();
    if (pauseMillis > 0) return pauseMillis;
    lookedAt = performance.now();
    try {
      await lookAt(db, projects);
      healthy = true;
    } catch (error) {
      // Once, not at every look, for as long as it lasts.
      if (healthy) log.warn({ err: error }, "the progress of copies cannot be followed at the moment");
      healthy = false;
    }
    return POLL_MILLIS;
  });
  const deafen = onWakeUp(db, EVENTS_SEALED, () => pacer.wake());

  return {
    follow(projectId, wake) {
      const followed = projects.get(projectId) ?? { wakes: new Set(), distributions: new Map() };
      if (!projects.has(projectId)) pacer.wake();
      projects.set(projectId, followed);
      followed.wakes.add(wake);
      return () => {
        followed.wakes.delete(wake);
        if (followed.wakes.size === 0 && projects.get(projectId) === followed) projects.delete(projectId);
      };
    },
    editions: (projectId) =>
      [...(projects.get(projectId)?.distributions.values() ?? [])].map(({ edition }) => edition),
    async stop() {
      deafen();
      await pacer.stop();
    },
  };
}

async function lookAt(db: Database, projects: ReadonlyMap<string, Followed>): Promise<void> {
  if (projects.size === 0) return;
  const running = await listRunning(db, [...projects.keys()]);
  const ids = new Set(running.map(({ distribution }) => distribution.id));
  const ended = [...projects.values()].flatMap(({ distributions }) =>
    [...distributions].filter(([id, { endedAt }]) => endedAt === null && !ids.has(id)).map(([id]) => id),
  );
  const found = ended.length === 0 ? running : [...running, ...(await listReported(db, ended))];
  const steps = await listProgressSteps(
    db,
    found.map(({ distribution }) => distribution.id),
  );
  const changed = new Set<Followed>();
  for (const one of found) {
    const { id, projectId } = one.distribution;
    const followed = projects.get(projectId);
    if (!followed) continue;
    const before = followed.distributions.get(id) ?? null;
    const watched = await watchAgain(db, one, steps.get(id) ?? [], before);
    followed.distributions.set(id, watched);
    if (watched.edition !== before?.edition) changed.add(followed);
  }
  for (const followed of projects.values()) forgetEnded(followed);
  for (const { wakes } of changed) for (const wake of wakes) wake();
}

function forgetEnded({ distributions }: Followed): void {
  for (const [id, { endedAt }] of distributions)
    if (endedAt !== null && performance.now() - endedAt > FORGET_MILLIS) distributions.delete(id);
}
