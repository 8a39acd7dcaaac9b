import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { sql } from "kysely";
import { type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";

/** A peer in a process of its own. */
export interface BarePeer {
  /** What it said that it listens on. */
  readonly url: URL;
  readonly stop: () => Promise<void>;
}

/** Starts a script of this directory's parent with its plan in a file; it prints its address as its first line. */
export async function startBarePeer(script: string, plan: object, folder: string): Promise<BarePeer> {
  const file = join(folder, "plan.json");
  await writeFile(file, JSON.stringify(plan));
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", script), file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const stop = async (): Promise<void> => {
    child.kill();
    await once(child, "exit");
    process.removeListener("exit", killWithUs);
  };
  return { url: new URL(url), stop };
}

/** A copy of a database that nobody has open, for a peer that writes. */
export async function copyOfDatabase(options: DatabaseOptions, folder: string): Promise<DatabaseOptions> {
  if (options.kind === "embedded") {
    const directory = join(folder, "peer");
    await cp(options.directory, directory, { recursive: true });
    return { kind: "embedded", directory };
  }
  const url = new URL(options.url);
  const name = decodeURIComponent(url.pathname.slice(1));
  const [beside, copy] = [new URL(url), new URL(url)];
  beside.pathname = "/template1";
  copy.pathname = `/${name}_peer`;
  const { db, close } = await openDatabase({ kind: "postgres", url: beside.href });
  try {
    await db.connection().execute(async (one) => {
      await sql`set statement_timeout = 0`.execute(one);
      await sql.raw(`create database "${name}_peer" template "${name}"`).execute(one);
    });
  } finally {
    await close();
  }
  return { kind: "postgres", url: copy.href };
}
