import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import type { Database } from "../storage/database.ts";
import { carryOut } from "./carry-out.ts";
import type { DoneWriter } from "./done-writer.ts";
import { type AbortCause, RunAbortedError } from "./interruption.ts";
import type { KeptRun } from "./lease-keeper.ts";
import type { ClaimedTask, FreeSlots, KnownKind } from "./lease-store.ts";
import { giveBackTask } from "./run-store.ts";
import type { TaskKind } from "./task.ts";
import type { TaskWatch } from "./task-watch.ts";

/** A run of this process. One whose lease is lost stays until its code returns, beside its successor. */
export interface Run extends KeptRun {
  readonly kind: string;
  readonly ended: Promise<void>;
}

/** The runs of this process. */
export interface RunningTasks {
  readonly runs: ReadonlySet<Run>;
  /** `askedAt`: when the claim was sent, by `performance.now()`. */
  start(claimed: ClaimedTask, askedAt: number): void;
  /** The kinds of which more may run, and how many more. */
  free(): readonly FreeSlots[];
  abort(taskId: string, cause: AbortCause): void;
  /** Aborts all and waits; what does not end in time is given back under its hands and can write nothing more. */
  stop(graceMillis: number): Promise<void>;
}

/** `onEnded` is called after each run. */
export function runningTasks<Ctx extends { readonly db: Database }>(options: {
  readonly db: Database;
  readonly contextFor: () => Ctx;
  readonly kinds: readonly TaskKind<unknown, Ctx>[];
  readonly log: Logger;
  readonly endDone: DoneWriter;
  readonly watch: TaskWatch;
  readonly onEnded: () => void;
}): RunningTasks {
  const { db, contextFor, kinds, log, endDone, watch } = options;
  const byName = new Map(kinds.map((kind) => [kind.name, kind]));
  const runs = new Set<Run>();
  const stopping = new AbortController();

  function start(claimed: ClaimedTask, askedAt: number): void {
    const kind = byName.get(claimed.kind);
    if (!kind) throw new Error(`a task of the unknown kind ${claimed.kind} was claimed`);
    const { signal, abort } = abortable();
    const ended = carryOut({
      db,
      contextFor,
      kind,
      claimed,
      signal,
      stopping: stopping.signal,
      log,
      endDone,
      watch,
    }).then(() => {
      runs.delete(run);
      options.onEnded();
    });
    const run: Run = { kind: kind.name, lease: claimed, renewedAt: askedAt, signal, abort, ended };
    runs.add(run);
  }

  async function stop(graceMillis: number): Promise<void> {
    stopping.abort();
    for (const run of runs) run.abort("stopping");
    await endedOr(runs, graceMillis);
    for (const { lease, kind } of runs) {
      log.warn({ task: lease.taskId, kind }, "a task did not stop in time; another run will take it up");
      await giveBackTask(db, lease).catch((error: unknown) =>
        log.warn({ err: error }, "it was not given back"),
      );
    }
  }

  return {
    runs,
    start,
    stop,
    free: () => freeSlots(kinds, runs),
    abort: (taskId, cause) => {
      for (const run of runs) if (run.lease.taskId === taskId) run.abort(cause);
    },
  };
}

function abortable() {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: (cause: AbortCause) => controller.abort(new RunAbortedError(cause)),
  };
}

function freeSlots(
  kinds: readonly (KnownKind & { readonly concurrency: number })[],
  runs: ReadonlySet<Run>,
): readonly FreeSlots[] {
  const counts = new Map<string, number>();
  for (const { kind } of runs) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return kinds
    .map(({ name, version, concurrency }) => ({ name, version, free: concurrency - (counts.get(name) ?? 0) }))
    .filter(({ free }) => free > 0);
}

/** Waits until all have ended, or for this long. */
async function endedOr(runs: ReadonlySet<Run>, graceMillis: number): Promise<void> {
  const inTime = new AbortController();
  const ended = Promise.all([...runs].map((run) => run.ended));
  await Promise.race([ended, pause(graceMillis, null, { signal: inTime.signal }).catch(() => undefined)]);
  inTime.abort();
}
