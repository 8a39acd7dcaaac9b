import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { claimRun } from "./claim-run.ts";
import { RUN_FILES, systemCodeOf, writeRecord } from "./run-files.ts";
import type { RunOrder, WrapperAnswer } from "./run-order.ts";
import type { RunEnd } from "./run-records.ts";
import { superviseProgram } from "./supervise-program.ts";

// A process of its own for each run, so that a run outlives the server. It claims the run, starts the program, keeps its log,
// and writes down how it ended.

/** Between attempts to write down the end, on a disk that is full. */
const RETRY_MILLIS = 5000;

// What ends everything around us is not to hide how the program ended.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
// The server may be gone by the time it is answered.
process.stdout.on("error", () => undefined);

const answer = (given: WrapperAnswer): boolean => process.stdout.write(`${JSON.stringify(given)}\n`);

function claim(order: RunOrder): string | null {
  try {
    const folder = claimRun(order);
    answer({ kind: folder === null ? "taken" : "claimed" });
    return folder;
  } catch (error) {
    answer({ kind: "failed", text: systemCodeOf(error) });
    return null;
  }
}

/** A run is over only when that is on the disk, so this is tried until it is; until then the run counts as running. */
async function writeEnd(folder: string, end: RunEnd): Promise<void> {
  for (;;) {
    try {
      writeRecord(folder, RUN_FILES.end, end);
      return;
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return;
      await sleep(RETRY_MILLIS);
    }
  }
}

// An order that was cut off is no JSON: then nothing is claimed.
const order = JSON.parse(await text(process.stdin)) as RunOrder;
const folder = claim(order);
if (folder !== null) await writeEnd(folder, await superviseProgram(order, folder));
// What the program left behind may still hold its output open.
process.exit(0);
