import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, createClient } from "../../src/api/client.ts";

const MAIN = join(import.meta.dirname, "../../dist/main.js");

/** The built program as users run it, in a process of its own with its own data. */
export interface BuiltServer {
  readonly url: string;
  /** With all rights. */
  readonly adminToken: string;
  readonly client: Client;
  readonly pid: number;
  /** From the start of the process to the line that says it is ready. */
  readonly startSeconds: number;
  stop(): Promise<void>;
}

export interface BuiltServerOptions {
  /** Data and log lie here; made when it is not there. */
  readonly folder: string;
  /** Variables besides those that this function sets; all other settings are the program's own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** For Node itself, such as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
}

/** Starts dist/main.js (`npm run build` makes it) and waits until it is ready. */
export async function startBuiltServer(options: BuiltServerOptions): Promise<BuiltServer> {
  const { folder, settings = {}, nodeFlags = [] } = options;
  mkdirSync(folder, { recursive: true });
  const adminToken = settings["HEADGATE_ADMIN_TOKEN"] ?? randomBytes(24).toString("hex");
  const logFile = join(folder, "server.log");
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, MAIN, "serve"], {
    env: {
      PATH: process.env["PATH"],
      HEADGATE_PORT: "0",
      HEADGATE_DATA_DIR: join(folder, "data"),
      HEADGATE_ADMIN_TOKEN: adminToken,
      ...settings,
    },
    stdio: ["ignore", openSync(logFile, "a"), "pipe"],
  });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const said: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const ready = /^Headgate is ready at (\S+)$/.exec(line)?.[1];
      if (ready) resolve(ready);
    });
    child.once("error", reject);
    void ended.then(() =>
      reject(new Error(`the server ended:\n${said.join("\n")}\n${readFileSync(logFile, "utf8")}`)),
    );
  });
  return {
    url,
    adminToken,
    client: createClient({ url, token: adminToken }),
    pid: child.pid ?? Number.NaN,
    startSeconds: (performance.now() - startedAt) / 1000,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      process.removeListener("exit", killWithUs);
    },
  };
}
