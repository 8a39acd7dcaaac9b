import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, afterAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

const WRITER = resolve(import.meta.dirname, "../../test/support/acknowledged-writer.ts");

let place: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  place = await temporaryDirectory();
});
afterAll(() => place.remove());

async function names(): Promise<Set<string>> {
  const { db, close } = await openDatabase({ kind: "embedded", directory: place.path });
  await migrate(db);
  const rows = await db.selectFrom("settings").select("name").execute();
  await close();
  return new Set(rows.map(({ name }) => name));
}

function startWriter(prefix: string): ChildProcess {
  return spawn(process.execPath, [WRITER, place.path, prefix], { stdio: ["ignore", "pipe", "inherit"] });
}

/** What the writer said until it had said this much; then it is killed. */
async function killAfter(writer: ChildProcess, acknowledged: number): Promise<readonly string[]> {
  const said: string[] = [];
  if (!writer.stdout) throw new Error("the writer has no output");
  for await (const line of createInterface({ input: writer.stdout })) {
    said.push(line);
    if (said.length === acknowledged) writer.kill("SIGKILL");
  }
  return said;
}

describe("an embedded database whose process is killed with -9 among many writers", () => {
  it.each([1, 2, 3])("has every acknowledged row, and can be opened again (round %i)", async (round) => {
    await names();
    const writer = startWriter(`round${round}`);
    const said = await killAfter(writer, 500 * round);
    expect(said.length).toBeGreaterThanOrEqual(500 * round);
    const found = await names();
    expect(said.filter((name) => !found.has(name))).toEqual([]);
  });

  it("belongs to one process: a second one is refused, and served after the first has ended", async () => {
    const writer = startWriter("owner");
    if (!writer.stdout) throw new Error("the writer has no output");
    await once(writer.stdout, "data");
    await expect(openDatabase({ kind: "embedded", directory: place.path })).rejects.toThrow(
      /is in use by another Headgate process: stop that one/,
    );
    writer.stdout.resume();
    writer.kill("SIGKILL");
    await once(writer, "exit");
    expect((await names()).size).toBeGreaterThan(0);
  });
});
