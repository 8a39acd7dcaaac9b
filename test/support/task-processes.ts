import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { WorkerOptions } from "./task-worker.ts";

/** One line of what workers did. */
export interface WorkerLine {
  readonly what: "begun" | "finished" | "refused";
  /** task id / number of the step */
  readonly step: string;
  readonly pid: number;
  /** The moment (epoch ms) of `begun`, the error's name of `refused`. */
  readonly rest: string;
}

export function readLog(directory: string): readonly WorkerLine[] {
  const path = join(directory, "log");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines
    .map((line) => line.split(" "))
    .map(([what, step, pid, rest]) => ({
      what: what as WorkerLine["what"],
      step: step ?? "",
      pid: Number(pid),
      rest: rest ?? "",
    }));
}

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly pid: number;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
  /** Waits until the log satisfies this. Throws when the worker has ended by itself. */
  shows(enough: (lines: readonly WorkerLine[]) => boolean): Promise<readonly WorkerLine[]>;
}

/** Starts test/support/task-worker.ts; what it says on standard error is shown. */
export function startWorkerProcess(options: WorkerOptions): WorkerProcess {
  const script = join(import.meta.dirname, "task-worker.ts");
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the worker process did not start");
  const gone = once(child, "exit");
  return {
    pid,
    signal: (name) => child.kill(name),
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
    shows: async (enough) => {
      for (;;) {
        const lines = readLog(options.directory);
        if (enough(lines)) return lines;
        if (child.exitCode !== null)
          throw new Error(`the worker ended by itself, with status ${child.exitCode}`);
        await pause(5);
      }
    },
  };
}
