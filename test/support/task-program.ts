import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ENVIRONMENT, MAIN } from "./built-program.ts";

/** `headgate worker` as a process of its own, which a test may kill. */
export interface WorkerProgram {
  /** SIGKILL: the process gets no chance to tidy up. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for its end; returns its status. */
  stop(): Promise<number | null>;
}

/** Starts `headgate worker` with these settings and waits until it has begun to work. */
export async function startWorkerProgram(settings: Readonly<Record<string, string>>): Promise<WorkerProgram> {
  const child = spawn(process.execPath, [MAIN, "worker"], {
    env: { ...ENVIRONMENT, ...settings, HEADGATE_LOG_LEVEL: "info" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const ended = once(child, "exit").then(([status]) => {
    process.removeListener("exit", killWithUs);
    return status as number | null;
  });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes("the worker has started")) resolve();
    });
    void ended.then((status) => reject(new Error(`headgate worker ended with ${status}`)));
  });
  const endBy = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return { kill: async () => void (await endBy("SIGKILL")), stop: () => endBy("SIGTERM") };
}
