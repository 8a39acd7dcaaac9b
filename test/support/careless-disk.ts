import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import Sqlite from "better-sqlite3";

/*
 * Loaded before a program, in each of its threads: leaves out all that makes its writes durable. A test of power cuts
 * that loses nothing of such a program's work proves nothing.
 */
if (process.env["HEADGATE_TEST_CARELESS"] === "1") beCareless();

function beCareless(): void {
  const database = Sqlite.prototype as { pragma: (this: unknown, source: string) => unknown };
  const pragma = database.pragma;
  database.pragma = function careless(source) {
    return pragma.call(this, source.replace("synchronous = FULL", "synchronous = OFF"));
  };
  void open("/dev/null").then(async (handle) => {
    const files = Object.getPrototypeOf(handle) as { sync: () => Promise<void> };
    files.sync = () => Promise.resolve();
    await handle.close();
  });
}

/** The environment in which a program does not bring its writes to the disk: SQLite with `synchronous=OFF`, files never synced. */
export const CARELESS = {
  HEADGATE_TEST_CARELESS: "1",
  // Of all ways to load a file first this one alone reaches worker threads.
  NODE_OPTIONS: `--require=${fileURLToPath(import.meta.url)}`,
};
