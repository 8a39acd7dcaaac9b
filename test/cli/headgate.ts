import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { type RunningServer, startServer } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { ENVIRONMENT, MAIN } from "../support/built-program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export const ADMIN_TOKEN = "an admin token for tests, long enough";

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestServer {
  readonly url: string;
  readonly server: RunningServer;
  /** Runs the real program as a process of its own, as the admin unless told otherwise. */
  readonly headgate: (args: readonly string[], options?: RunOptions) => Promise<Ended>;
  readonly close: () => Promise<void>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** A whole server on the embedded database, in this process, and the program to speak to it with. */
export async function startHeadgate(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const directory = await temporaryDirectory();
  const server = await startServer(
    readConfig({
      HEADGATE_PORT: "0",
      HEADGATE_DATA_DIR: directory.path,
      HEADGATE_ADMIN_TOKEN: ADMIN_TOKEN,
      HEADGATE_LOG_LEVEL: "silent",
      ...settings,
    }),
  );
  const standard = { HEADGATE_URL: server.url, HEADGATE_TOKEN: ADMIN_TOKEN, XDG_CONFIG_HOME: directory.path };
  return {
    url: server.url,
    server,
    headgate: (args, { env = {}, input = "" } = {}) => runProgram(args, { ...standard, ...env }, input),
    close: async () => {
      await server.stop();
      await directory.remove();
    },
  };
}

/** Runs `headgate` with this environment alone. */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...ENVIRONMENT, ...env },
  });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
