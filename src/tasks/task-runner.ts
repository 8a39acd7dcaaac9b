import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { newId } from "../kernel/id.ts";
import type { Database } from "../storage/database.ts";
import { factsOf } from "../storage/engine.ts";
import { onWakeUp } from "../storage/wake-up.ts";
import { doneWriter } from "./done-writer.ts";
import { keepLeases, type LeaseKeeper } from "./lease-keeper.ts";
import {
  claimCancelled,
  claimDue,
  findCancelledRuns,
  millisUntilDue,
  takeBackLeases,
} from "./lease-store.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { startPacer } from "./pacer.ts";
import { type RunningTasks, runningTasks } from "./running-tasks.ts";
import { enqueueRecurring } from "./schedule.ts";
import type { TaskKind } from "./task.ts";
import { CANCELS_CHANNEL, TASKS_CHANNEL } from "./task-queue.ts";
import { type TaskWatch, UNWATCHED } from "./task-watch.ts";

/*
 * The runner of one process. It works in rounds: take back leases that ran out, look for cancellations, claim what
 * is due, and rest until the next task is due, a wake-up comes, a run ends, or the poll is due.
 *   starting   the embedded database, which only one process opens, has all leases taken back: nobody holds them.
 *              → working when that is written; tried again at each poll until then.
 *   working    → stopping by stop().
 *   stopping   nothing is claimed; runs are aborted and give their tasks back. → stopped when they have ended, or
 *              after the grace time: what still runs then has lost its lease.
 * Always: one round at a time; no more runs of a kind than its concurrency (a run that only ends a cancelled task
 * comes on top); a kind or version that is not known here is never claimed.
 */

/** The part of a process that carries out tasks. */
export interface TaskRunner {
  /** Aborts the runs, which go back to ready at once and without counting as an attempt, and waits for them. */
  stop(): Promise<void>;
  /** Waits until nothing runs here and nothing known is due. For tests and the demo. */
  idle(): Promise<void>;
}

/** What a runner is made of. */
export interface TaskRunnerOptions<Ctx> {
  readonly db: Database;
  /** Makes the context of one run, or of the call that ends a task. */
  readonly contextFor: () => Ctx;
  readonly kinds: readonly TaskKind<unknown, Ctx>[];
  readonly log: Logger;
  /** How long a task stays with a process that does not answer. */
  readonly leaseMillis?: number;
  readonly pollMillis?: number;
  /** How long stop() waits for runs that do not heed their signal. */
  readonly graceMillis?: number;
  readonly watch?: TaskWatch;
}

const SHORTEST_REST_MILLIS = 10;

/** Starts to carry out tasks of these kinds. At most one runner a process; it works until stop(). */
export function startTaskRunner<Ctx extends { readonly db: Database }>(
  options: TaskRunnerOptions<Ctx>,
): TaskRunner {
  const { db, kinds, log, leaseMillis = 15_000, pollMillis = 1_000, graceMillis = 10_000 } = options;
  const { watch = UNWATCHED } = options;
  if (kinds.length === 0 || new Set(kinds.map((kind) => kind.name)).size !== kinds.length)
    throw new Error("a task runner needs kinds, each with a name of its own");
  const owner = newId(new Date());
  const alone = oneAtATime();
  const endDone = doneWriter(db, alone);
  const running = runningTasks({ ...options, watch, endDone, onEnded: () => pacer.wake() });
  const leases = keepLeases({ db, owner, leaseMillis, runs: running.runs, log, alone });
  const round = rounds({ db, kinds, owner, leaseMillis, pollMillis, running, leases, log, watch });
  const pacer = startPacer(round.carryOut);
  const lookAround = (): void => {
    round.lookAround();
    pacer.wake();
  };
  const deafen = [onWakeUp(db, TASKS_CHANNEL, () => pacer.wake()), onWakeUp(db, CANCELS_CHANNEL, lookAround)];
  let stopped: Promise<void> | null = null;

  async function stop(): Promise<void> {
    for (const one of deafen) one();
    await pacer.stop();
    await running.stop(graceMillis);
    leases.stop();
  }

  async function idle(): Promise<void> {
    while (stopped === null) {
      lookAround();
      await pacer.settled();
      const untilDue = await millisUntilDue(db, kinds);
      if (running.runs.size === 0 && (untilDue === null || untilDue > 0)) return;
      await Promise.race([...[...running.runs].map((run) => run.ended), pause(SHORTEST_REST_MILLIS)]);
    }
  }

  return { stop: () => (stopped ??= stop()), idle };
}

interface RoundParts<Ctx> {
  readonly db: Database;
  readonly kinds: readonly TaskKind<unknown, Ctx>[];
  readonly owner: string;
  readonly leaseMillis: number;
  readonly pollMillis: number;
  readonly running: RunningTasks;
  readonly leases: LeaseKeeper;
  readonly log: Logger;
  readonly watch: TaskWatch;
}

function rounds<Ctx>(parts: RoundParts<Ctx>) {
  const { db, kinds, owner, leaseMillis, pollMillis, running, leases, log, watch } = parts;
  let begun = false;
  let healthy = true;
  let lookedAt = -Infinity;

  async function begin(): Promise<void> {
    if (!factsOf(db).shared) await takeBackLeases(db, "all");
    await enqueueRecurring(db, new Date(), kinds);
    begun = true;
  }

  async function look(): Promise<void> {
    lookedAt = performance.now();
    // First, so that a process that was slow does not take its own tasks away from itself.
    await leases.renew();
    const takenBack = await takeBackLeases(db, "expired");
    watch.takenBack(takenBack.length);
    for (const taskId of takenBack)
      log.warn({ task: taskId }, "the process that ran a task did not answer; the task is taken up again");
    if (running.runs.size > 0)
      for (const taskId of await findCancelledRuns(db, owner)) running.abort(taskId, "cancelled");
    const askedAt = performance.now();
    for (const claimed of await claimCancelled(db, owner, leaseMillis, kinds))
      running.start(claimed, askedAt);
  }

  /** Claims what there are slots for; returns how long to rest. A full kind is looked at when a run of it ends. */
  async function claim(): Promise<number> {
    const free = running.free();
    if (free.length === 0) return pollMillis;
    const askedAt = performance.now();
    for (const claimed of await claimDue(db, owner, leaseMillis, free)) running.start(claimed, askedAt);
    const stillFree = running.free();
    const untilDue = stillFree.length === 0 ? null : await millisUntilDue(db, stillFree);
    return Math.min(Math.max(untilDue ?? pollMillis, SHORTEST_REST_MILLIS), pollMillis);
  }

  async function carryOut(): Promise<number> {
    try {
      if (!begun) await begin();
      if (performance.now() - lookedAt >= pollMillis) await look();
      const restMillis = await claim();
      healthy = true;
      return restMillis;
    } catch (error) {
      // Once, not at every poll, for as long as it lasts.
      if (healthy) log.error({ err: error }, "tasks cannot be taken up; tried again at every poll");
      healthy = false;
      return pollMillis;
    }
  }

  return {
    carryOut,
    /** The next round looks for cancellations and lost leases as well. */
    lookAround: (): void => {
      lookedAt = -Infinity;
    },
  };
}
