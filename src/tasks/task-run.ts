import { AsyncLocalStorage } from "node:async_hooks";
import type { Compilable } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { Suspension } from "./interruption.ts";
import type { ClaimedTask } from "./lease-store.ts";
import { progressWriter } from "./progress-writer.ts";
import { holdLease, recordStep, recordSteps, writeProgress } from "./run-store.ts";
import { findSignal, type LoggedStep, readSteps, type StepToLog } from "./step-store.ts";
import type { TaskRun } from "./task.ts";
import { writtenTogether } from "./written-together.ts";

/*
 * One run of a task, from its claim to the moment its code returns or throws.
 *   going      steps, sleeps, waits and transactions are carried out. → suspended by the first sleep that is not
 *              over or wait whose signal is not there; → aborted by the signal.
 *   suspended  what is under way ends and is logged; nothing new begins: it throws the suspension.
 *   aborted    the same, with the signal's reason.
 *   left       the task's code has returned or thrown; a branch of it that still goes on begins nothing new.
 * Always: what a step returned is logged before the step's caller sees it, and only while the lease holds.
 */

/** A run under way, and what the engine asks of it afterwards. */
export interface OpenRun {
  readonly task: TaskRun;
  /** What the run was left for; empty when it was not suspended. */
  readonly suspensions: readonly Suspension[];
  /** Leaves the run: waits until nothing of it is under way and its progress is written. */
  close(): Promise<void>;
}

/** Reads the log of the task and opens a run of it. */
export async function openRun(options: {
  readonly db: Database;
  readonly claimed: ClaimedTask;
  readonly signal: AbortSignal;
  readonly log: Logger;
}): Promise<OpenRun> {
  const { db, claimed, signal } = options;
  const clock = databaseClock(claimed.claimedAtMillis);
  // The first run ever has nothing in the log.
  const logged = claimed.fence === 1 ? new Map<string, LoggedStep>() : await readSteps(db, claimed.taskId);
  const suspensions: Suspension[] = [];
  const gate = openGate(signal, suspensions);
  const progress = progressWriter(
    (json) => writeProgress(db, claimed, json),
    (error) =>
      options.log.warn({ err: error, task: claimed.taskId }, "the progress of a task could not be written"),
  );
  // Progress may be told from inside a transaction; it is written outside of it.
  const outside = AsyncLocalStorage.snapshot();
  const suspend = (suspension: Suspension): never => {
    suspensions.push(suspension);
    throw suspension;
  };

  const place = (name: string): StepPlace => ({ name, clock, done: logged.get(name) });
  const task: TaskRun = {
    id: claimed.taskId,
    attempt: claimed.attempt,
    signal,
    step: (name, work, commit) =>
      gate.pass(name, () => runStep(place(name), work, recordDone(db, claimed, commit))),
    manySteps: (writes) => {
      const record = recordTogether(db, claimed, writes);
      return (name, work) => gate.pass(name, () => runStep(place(name), work, record));
    },
    transaction: (work) =>
      gate.pass(null, () =>
        runTransaction(db, async (tx) => {
          const value = await work(tx);
          await holdLease(tx, claimed);
          return value;
        }),
      ),
    sleepUntil: (name, at) =>
      gate.pass(name, async () => {
        const wakeAtMillis = logged.get(name)?.wakeAtMillis ?? (await recordSleep(db, claimed, name, at));
        if (wakeAtMillis > clock()) suspend(new Suspension({ wakeAtMillis }));
      }),
    beginAgainIn: (millis) =>
      gate.pass(null, async () => suspend(new Suspension({ wakeAtMillis: clock() + Math.max(0, millis) }))),
    waitFor: (name) =>
      gate.pass(null, async () => {
        const sent = await findSignal(db, claimed.taskId, name);
        return sent === null ? suspend(new Suspension({ signalName: name })) : (JSON.parse(sent) as unknown);
      }),
    progress: (value) => outside(() => progress.put(value)),
  };
  const close = async (): Promise<void> => {
    await gate.close();
    await progress.close();
  };
  return { task, suspensions, close };
}

/** Lets work in while the run is going, and knows what is under way. A name passes once. */
function openGate(signal: AbortSignal, suspensions: readonly Suspension[]) {
  let closed = false;
  const names = new Set<string>();
  const underWay = new Set<Promise<unknown>>();

  async function enter<T>(name: string | null, work: () => Promise<T>): Promise<T> {
    if (closed) throw new Error("The run of this task has ended; another one may be under way");
    signal.throwIfAborted();
    if (suspensions[0]) throw suspensions[0];
    if (name !== null) {
      if (names.has(name)) throw new Error(`The task uses the step name ${name} twice in one run`);
      names.add(name);
    }
    return work();
  }

  return {
    pass: async <T>(name: string | null, work: () => Promise<T>): Promise<T> => {
      const entered = enter(name, work);
      underWay.add(entered);
      try {
        return await entered;
      } finally {
        underWay.delete(entered);
      }
    },
    close: async (): Promise<void> => {
      closed = true;
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

interface StepPlace {
  readonly name: string;
  readonly clock: () => number;
  readonly done: LoggedStep | undefined;
}

async function runStep<T>(
  { name, clock, done }: StepPlace,
  work: () => Promise<T>,
  record: (entry: StepToLog, result: T) => Promise<void>,
): Promise<T> {
  if (done) return fromJson<T>(done.resultJson);
  // Through JSON at once, so that the first run sees what later ones will.
  const resultJson = JSON.stringify(await work()) ?? null;
  const result = fromJson<T>(resultJson);
  await record({ name, state: "done", resultJson, wakeAtMillis: null, finishedAtMillis: clock() }, result);
  return result;
}

/** Logs a step, in one transaction with what goes with it. */
function recordDone<T>(
  db: Database,
  claimed: ClaimedTask,
  commit: ((db: Database, result: T) => Promise<void>) | undefined,
) {
  return async (entry: StepToLog, result: T): Promise<void> => {
    if (!commit) return await recordStep(db, claimed, entry);
    await runTransaction(db, async (tx) => {
      await commit(tx, result);
      await recordStep(tx, claimed, entry);
    });
  };
}

/** Logs steps that ended at about the same time together, with what goes with them. */
function recordTogether<T>(
  db: Database,
  claimed: ClaimedTask,
  writes: (db: Database, results: readonly T[]) => readonly Compilable[],
) {
  const write = writtenTogether<{ readonly entry: StepToLog; readonly result: T }>((done) => {
    const entries = done.map(({ entry }) => entry);
    const results = done.map(({ result }) => result);
    return recordSteps(db, claimed, entries, writes(db, results));
  });
  return (entry: StepToLog, result: T): Promise<void> => write({ entry, result });
}

const fromJson = <T>(json: string | null): T => (json === null ? undefined : JSON.parse(json)) as T;

async function recordSleep(db: Database, claimed: ClaimedTask, name: string, at: Date): Promise<number> {
  const wakeAtMillis = at.getTime();
  if (Number.isNaN(wakeAtMillis))
    throw new Error(`The task sleeps (${name}) until a moment that is not a date`);
  await recordStep(db, claimed, {
    name,
    state: "sleeping",
    resultJson: null,
    wakeAtMillis,
    finishedAtMillis: null,
  });
  return wakeAtMillis;
}

/** The database's clock as this process can tell: its moment at the claim, and what has passed since. */
function databaseClock(claimedAtMillis: number): () => number {
  const startedAt = performance.now();
  return () => Math.floor(claimedAtMillis + performance.now() - startedAt);
}
