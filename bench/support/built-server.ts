import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, createClient } from "../../src/api/client.ts";

const MAIN = join(import.meta.dirname, "../../dist/main.js");

/** The built program as users run it, in a process of its own with its own data. */
export interface BuiltServer {
  readonly url: string;
  /** Of its admin, who has all rights. */
  readonly token: string;
  /** Speaks to `/v1` with all rights. */
  readonly client: Client;
  readonly pid: number;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
}

export interface BuiltServerOptions {
  /** Data and log lie here; made when it is not there. */
  readonly folder: string;
  /** Variables besides those that are set here; all other settings are the program's own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** For Node itself, such as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
}

/** Starts dist/main.js (`npm run build` makes it) on a free port and waits until it is ready. */
export async function startBuiltServer(options: BuiltServerOptions): Promise<BuiltServer> {
  const { folder, settings = {}, nodeFlags = [] } = options;
  mkdirSync(folder, { recursive: true });
  const token = randomBytes(24).toString("hex");
  const logFile = join(folder, "server.log");
  const stdio: StdioOptions = ["ignore", openSync(logFile, "a"), "pipe"];
  const env = {
    PATH: process.env["PATH"],
    HEADGATE_PORT: "0",
    HEADGATE_DATA_DIR: join(folder, "data"),
    HEADGATE_ADMIN_TOKEN: token,
    ...settings,
  };
  const child = spawn(process.execPath, [...nodeFlags, MAIN, "serve"], { env, stdio });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await readyAddress(child, logFile);
  return {
    url,
    token,
    client: createClient({ url, token }),
    pid: child.pid ?? Number.NaN,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      process.removeListener("exit", killWithUs);
    },
  };
}

/** The address that the server says it listens on. Throws with what it said when it ends instead. */
function readyAddress(child: ChildProcess, logFile: string): Promise<string> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    if (!child.stderr) throw new Error("the server's words are not heard");
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const ready = /^Headgate is ready at (\S+)$/.exec(line)?.[1];
      if (ready) resolve(ready);
    });
    child.once("error", reject);
    child.once("exit", () =>
      reject(new Error(`the server did not start:\n${said.join("\n")}\n${readFileSync(logFile, "utf8")}`)),
    );
  });
}
