import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, createClient } from "../../src/api/client.ts";

/** A Headgate in a process of its own, on a free port, with all its data in one directory. */
export interface DemoServer {
  readonly name: string;
  readonly url: string;
  /** host:port */
  readonly host: string;
  readonly dataDirectory: string;
  readonly adminToken: string;
  /** Speaks to its `/v1` with all rights. */
  readonly client: Client;
}

/** The process behind a server, from before it is ready. */
export interface ServerProcess {
  readonly name: string;
  /** Resolves when the server takes requests. */
  readonly ready: Promise<DemoServer>;
  /** Resolves with how it ended, whenever that is. */
  readonly ended: Promise<string>;
  /** How it stands, and the last lines of its log. */
  readonly lastWords: () => { readonly state: string; readonly lines: readonly string[] };
  /** Asks it to stop, and insists after a while. */
  readonly stop: () => Promise<void>;
  readonly kill: () => void;
}

const KEPT_LINES = 12;
const PATIENCE_MILLIS = 10_000;
const READY = /^Headgate is ready at (\S+)$/;

/** Starts `headgate serve` on embedded defaults and these settings; none of whoever runs the demonstration reaches it. */
export function spawnServer(
  name: string,
  root: string,
  dataDirectory: string,
  settings: Readonly<Record<string, string>>,
): ServerProcess {
  const adminToken = randomBytes(24).toString("hex");
  const child = spawn(process.execPath, [join(root, "src/main.ts"), "serve"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...withoutSettings(process.env),
      HEADGATE_PORT: "0",
      HEADGATE_DATA_DIR: dataDirectory,
      HEADGATE_ADMIN_TOKEN: adminToken,
      HEADGATE_LOG_LEVEL: "warn",
      ...settings,
    },
  });
  const lines: string[] = [];
  const keep = (line: string): void => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
  };
  const ended = endOf(child);
  let state = "still running";
  void ended.then((how) => (state = how));
  createInterface({ input: child.stdout }).on("line", keep);
  const errors = createInterface({ input: child.stderr }).on("line", keep);
  const ready = new Promise<DemoServer>((resolve, reject) => {
    errors.on("line", (line) => {
      const url = READY.exec(line)?.[1];
      if (url === undefined) return;
      const client = createClient({ url, token: adminToken });
      resolve({ name, url, host: new URL(url).host, dataDirectory, adminToken, client });
    });
    void ended.then((how) => reject(new Error(`the ${name} server did not start: it ${how}`)));
  });
  // Whoever waits hears of it; when another failure comes first, nobody waits.
  ready.catch(() => undefined);
  return {
    name,
    ready,
    ended,
    lastWords: () => ({ state, lines }),
    stop: () => stop(child, ended),
    kill: () => void child.kill("SIGKILL"),
  };
}

const withoutSettings = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith("HEADGATE_") && name !== "DATABASE_URL"),
  );

const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be run: ${error.message}`));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with status ${code}` : `was ended by ${signal}`),
    );
  });

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const insist = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MILLIS);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(insist);
}
