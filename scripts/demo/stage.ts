import { rmSync } from "node:fs";
import { mkdtemp, realpath, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type DemoServer, type ServerProcess, spawnServer } from "./demo-server.ts";

/** Where the demonstration takes place: a temporary directory and the servers in it. All of it goes at the end. */
export interface Stage {
  readonly directory: string;
  readonly servers: readonly ServerProcess[];
  /** Resolves when somebody asks the demonstration to end: Ctrl-C, a closed terminal, a reader that went away. */
  readonly interrupted: Promise<void>;
  /** Rejects when a server ends before anybody asked it to. */
  readonly broken: Promise<never>;
  startServer(name: string, settings?: Readonly<Record<string, string>>): Promise<DemoServer>;
  close(): Promise<void>;
}

/** Servers refuse writes below 1 GiB free, and the images stand in three places. */
const NEEDED_BYTES = 1.5 * 1024 ** 3;
/** Ctrl-C reaches the servers too; one may end before this process has heard of it. */
const GRACE_MILLIS = 300;

/** Throws when there is too little room. `root` is the checkout whose server is started. */
export async function openStage(root: string): Promise<Stage> {
  const place = await realpath(tmpdir());
  await requireSpace(place);
  const directory = await mkdtemp(join(place, "headgate-demo-"));
  const servers: ServerProcess[] = [];
  let closing = false;
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  // Should anything unforeseen end this process, it still takes the servers and the directory along.
  const leaveNothing = (): void => {
    for (const server of servers) server.kill();
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", leaveNothing);
  return {
    directory,
    servers,
    interrupted: whenInterrupted(),
    broken: broken.promise,
    startServer(name, settings = {}) {
      const server = spawnServer(name, root, join(directory, name), settings);
      servers.push(server);
      void server.ended.then(async (how) => {
        await sleep(GRACE_MILLIS);
        if (!closing) broken.reject(new Error(`the ${name} server ${how}`));
      });
      return server.ready;
    },
    async close() {
      closing = true;
      await Promise.all(servers.map((server) => server.stop()));
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
      process.removeListener("exit", leaveNothing);
    },
  };
}

async function requireSpace(place: string): Promise<void> {
  const { bavail, bsize } = await statfs(place);
  if (bavail * bsize < NEEDED_BYTES)
    throw new Error(`${place} has less than 1.5 GiB free; set TMPDIR to a directory that has more`);
}

const whenInterrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
    process.stdout.on("error", () => resolve());
    process.stderr.on("error", () => resolve());
  });
