import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ENVIRONMENT, MAIN } from "./built-program.ts";

/** Headgate as a process of its own, which a test may kill. */
export interface ServerProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** SIGKILL: the process gets no chance to tidy up. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for its end; returns its status. */
  stop(): Promise<number | null>;
}

/** Starts `headgate serve` with these settings and flags and waits until it is ready. */
export async function startServerProcess(
  settings: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [MAIN, "serve", ...flags], {
    env: { ...ENVIRONMENT, HEADGATE_LOG_LEVEL: "warn", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      process.removeListener("exit", killWithUs);
      resolve(code);
    });
  });
  const said: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const ready = /^Headgate is ready at (\S+)$/.exec(line)?.[1];
      if (ready) resolve(ready);
    });
    void ended.then((code) => reject(new Error(`headgate ended with ${code}:\n${said.join("\n")}`)));
  });
  const endBy = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    child,
    kill: async () => void (await endBy("SIGKILL")),
    stop: () => endBy("SIGTERM"),
  };
}
