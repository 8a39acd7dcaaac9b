import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { BegunRun, News, Order, WorkerStart } from "./tasks-worker.ts";

const SCRIPT = join(import.meta.dirname, "tasks-worker.ts");

/** Worker processes on one database. */
export interface TaskStage {
  /** Asks for tasks due at these moments (epoch ms), waits for all, and returns how late each began, in milliseconds. */
  carryOut(dueAt: readonly number[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

interface WorkerHandle {
  send(order: Order): void;
  /** Waits for the next news of this sort. */
  hears<Sort extends News["is"]>(sort: Sort): Promise<Extract<News, { readonly is: Sort }>>;
  end(): Promise<void>;
}

function startWorker(start: WorkerStart, onBegun: (runs: readonly BegunRun[]) => void): WorkerHandle {
  const child = fork(SCRIPT, [JSON.stringify(start)]);
  const waiting = new Map<string, (news: never) => void>();
  child.on("message", (news: News) => {
    if (news.is === "begun") return onBegun(news.runs);
    waiting.get(news.is)?.(news as never);
  });
  const gone = once(child, "exit");
  const failed = gone.then(([status]) => {
    throw new Error(`a worker of the benchmark ended with ${status}`);
  });
  failed.catch(() => undefined);
  const send = (order: Order): void => void child.send(order);
  return {
    send,
    hears: (sort) => Promise.race([new Promise<never>((resolve) => waiting.set(sort, resolve)), failed]),
    end: async () => {
      send("end");
      await gone;
    },
  };
}

/** Starts so many workers. Throws when a task is lost, or begins twice. */
export async function openTaskStage(start: WorkerStart, workers: number): Promise<TaskStage> {
  let begun: BegunRun[] = [];
  const handles = Array.from({ length: workers }, () => startWorker(start, (runs) => begun.push(...runs)));
  await Promise.all(handles.map((handle) => handle.hears("ready")));
  const [first] = handles;
  if (!first) throw new Error("a stage needs a worker");

  async function untilAllDone(): Promise<void> {
    for (let notDone = 1; notDone > 0; await pause(100)) {
      const counted = first?.hears("counted");
      first?.send("count");
      notDone = (await counted)?.notDone ?? 0;
    }
    // The news of the last runs.
    await pause(500);
  }

  return {
    carryOut: async (dueAt) => {
      begun = [];
      const asked = first.hears("asked");
      first.send({ dueAt });
      await asked;
      const lastDue = Math.max(...dueAt);
      if (Date.now() > Math.min(...dueAt)) throw new Error("the tasks were due before all were asked for");
      // Nobody counts while they run: counting costs the database time.
      await pause(lastDue - Date.now() + 2_000);
      await untilAllDone();
      const tasks = new Set(begun.map(({ task }) => task));
      if (tasks.size !== dueAt.length || begun.length !== dueAt.length)
        throw new Error(`${dueAt.length} tasks were asked for, ${tasks.size} ran, in ${begun.length} runs`);
      return begun.map(({ lateMillis }) => lateMillis);
    },
    close: async () => {
      await Promise.all(handles.map((handle) => handle.end()));
    },
  };
}
